import { createServer } from "node:http";
import { at, listening } from "../../listening.ts";
import { limitEach } from "./limit-each.ts";

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
    {
      requestTimeout: readMs,
      headersTimeout: readMs,
      keepAliveTimeout: readMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      request.resume();
      const path = request.url?.split("?")[0];
      const why = path === "/readyz" ? options.waitsFor() : "";
      const status = path !== "/healthz" && path !== "/readyz" ? 404 : why === "" ? 200 : 503;
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
      response.end(status === 200 ? "ok\n" : `${why || "not found"}\n`);
    },
  );
  limitEach(server);
  // Beside another process of the node that has the port as well.
  const port = await listening(server, {
    port: options.port,
    ...at(options.address),
    reusePort: true,
  });
  return {
    port,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
