/** One request as the app got it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An app that keeps what it is sent, and answers as its paths say. Runs in Node and as a Worker of its own: it imports nothing. */
export function recordingApp(): (request: Request) => Promise<Response> {
  const seen: SeenRequest[] = [];
  const failed = new Map<string, number>();
  const released = new Set<string>();
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/__saw") return Response.json(seen);
    const body = await request.text();
    const headers = Object.fromEntries(request.headers);
    seen.push({ method: request.method, path: pathname + search, headers, body });
    const query = new URLSearchParams(search);
    /** True for as many calls of that name as it says. */
    const fails = (name: string, times: number): boolean => {
      const before = failed.get(name) ?? 0;
      failed.set(name, before + 1);
      return before < times;
    };
    switch (pathname) {
      case "/dapr/subscribe":
        return Response.json([{ pubsubname: "pubsub", topic: "orders", route: "/on-order" }]);
      case "/on-order": {
        const { data } = JSON.parse(body) as { readonly data?: { readonly fails?: string } };
        const refuses = data?.fails !== undefined && fails(data.fails, 1);
        return refuses
          ? new Response("not yet", { status: 500 })
          : Response.json({ status: "SUCCESS" });
      }
      case "/alarm":
        return new Response(null);
      case "/flaky": {
        const status = Number(query.get("status") ?? 500);
        return fails(query.get("name") ?? "", Number(query.get("times")))
          ? new Response("not yet", { status })
          : new Response("done");
      }
      case "/hold":
        while (!released.has(query.get("name") ?? "")) await pause(5);
        return new Response("released");
      case "/release":
        released.add(query.get("name") ?? "");
        return new Response(null);
      case "/slow":
        await pause(5000);
        return new Response("at last");
      case "/echo":
        return new Response(body, {
          status: 201,
          headers: [
            ["content-type", request.headers.get("content-type") ?? "text/plain"],
            ["x-method", request.method],
            ["set-cookie", "a=1; Path=/; HttpOnly"],
            ["set-cookie", "b=two; Max-Age=60; SameSite=Lax"],
          ],
        });
      case "/failing":
        return new Response("no", { status: request.method === "OPTIONS" ? 200 : 500 });
      case "/large":
        return new Response("x".repeat(300_000));
      default:
        return new Response(null, { status: 404 });
    }
  };
}
