import { createServer } from "node:http";
import { at, listening } from "#targets/node/listen/listening.ts";

export interface HealthPort extends AsyncDisposable {
  readonly port: number;
}

/** `GET /healthz` (204 while it serves) and `GET /metrics`, on a port of their own, for probes and scrapers. */
export async function serveHealth(
  { port, address }: { readonly port: number; readonly address: string },
  exposition: () => string,
): Promise<HealthPort> {
  const server = createServer(
    { requestTimeout: 5000, headersTimeout: 5000, maxHeaderSize: 8192 },
    (request, response) => {
      const path = request.url?.split("?", 1)[0];
      if (request.method !== "GET" && request.method !== "HEAD") response.writeHead(405).end();
      else if (path === "/healthz") response.writeHead(204).end();
      else if (path === "/metrics")
        response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(exposition());
      else response.writeHead(404).end();
    },
  );
  server.maxConnections = 256;
  return {
    port: await listening(server, { port, ...at(address) }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
