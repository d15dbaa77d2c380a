/** One request as the app got it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An app that keeps what it is sent, and answers as its paths say. Runs in Node and as a Worker of its own: it imports nothing. */
export function recordingApp(): (request: Request) => Promise<Response> {
  const seen: SeenRequest[] = [];
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/__saw") return Response.json(seen);
    const body = await request.text();
    const headers = Object.fromEntries(request.headers);
    seen.push({ method: request.method, path: pathname + search, headers, body });
    switch (pathname) {
      case "/dapr/subscribe":
        return Response.json([{ pubsubname: "pubsub", topic: "orders", route: "/on-order" }]);
      case "/on-order":
        return Response.json({ status: "SUCCESS" });
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
