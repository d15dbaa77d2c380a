import { createServer, type RequestListener } from "node:http";
import { at, listening } from "#targets/node/listen/listening.ts";
import { limitEach } from "./limit-each.ts";

/** A port of the supervisor's own, for probes and scrapers; beside another process of the node that has it as well. */
export interface SideServer extends Disposable {
  readonly port: number;
}
export interface SideServerOptions {
  readonly port: number;
  /** Empty: all addresses. */
  readonly address: string;
  readonly readMs: number;
  readonly keepAliveMs: number;
}

/** Bodies are not read. Rejects when the port cannot be had. */
export async function serveAside(
  { port, address, readMs, keepAliveMs }: SideServerOptions,
  answer: RequestListener,
): Promise<SideServer> {
  const server = createServer(
    {
      requestTimeout: readMs,
      headersTimeout: readMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      request.resume();
      answer(request, response);
    },
  );
  limitEach(server);
  return {
    port: await listening(server, { port, ...at(address), reusePort: true }),
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
