import { createServer, type Server } from "node:http";

export interface HealthServer extends Disposable {
  readonly port: number;
}
const readMs = 5000;

/** `GET /healthz`: the process lives. `GET /readyz`: it may be called; else 503 with what it waits for. Anything else: 404. */
export async function serveHealth(options: {
  readonly port: number;
  readonly address: string;
  /** Empty when ready. */
  waitsFor(): string;
}): Promise<HealthServer> {
  const server = createServer(
    { requestTimeout: readMs, headersTimeout: readMs, keepAliveTimeout: readMs },
    (request, response) => {
      request.resume();
      const path = request.url?.split("?")[0];
      const why = path === "/readyz" ? options.waitsFor() : "";
      const status = path !== "/healthz" && path !== "/readyz" ? 404 : why === "" ? 200 : 503;
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
      response.end(status === 200 ? "ok\n" : `${why || "not found"}\n`);
    },
  );
  server.maxConnections = 64;
  await listenShared(server, options);
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Listens beside another process of the node that has the port as well. */
export function listenShared(
  server: Server,
  { port, address }: { readonly port: number; readonly address: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, reusePort: true, ...(address === "" ? {} : { host: address }) }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
