interface Env {
  readonly DAPR: { fetch(url: string, init?: RequestInit): Promise<Response> };
  readonly DAPR_API_TOKEN?: string;
}

/** An app behind Outrigger on Workers: takes an order, publishes it, and keeps what comes back. */
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const dapr = (path: string, init: RequestInit = {}): Promise<Response> =>
      env.DAPR.fetch(`http://dapr${path}`, {
        ...init,
        headers: { "content-type": "application/json", "dapr-api-token": env.DAPR_API_TOKEN ?? "" },
      });
    switch (`${request.method} ${pathname}`) {
      case "GET /dapr/subscribe":
        return Response.json([{ pubsubname: "pubsub", topic: "orders", route: "/on-order" }]);
      case "POST /order":
        return dapr("/v1.0/publish/pubsub/orders", { method: "POST", body: await request.text() });
      case "POST /on-order": {
        const event = (await request.json()) as { readonly id: string; readonly data: unknown };
        const saved = await dapr("/v1.0/state/statestore", {
          method: "POST",
          body: JSON.stringify([{ key: "last-order", value: event.data }]),
        });
        return Response.json({ status: saved.ok ? "SUCCESS" : "RETRY" });
      }
      case "GET /last-order":
        return dapr("/v1.0/state/statestore/last-order");
      default:
        return new Response("Not found", { status: 404 });
    }
  },
};
