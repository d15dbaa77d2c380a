import { createServer, type Server } from "node:net";
import { type ListenChoice, listenOnAll } from "./listening.ts";
import type { Endpoint } from "./on-first-use.ts";

/** An endpoint with a port of its own. */
export interface PortServer extends AsyncDisposable {
  readonly port: number;
  /** Takes no new calls; resolves when those in flight have ended. */
  drain(): Promise<void>;
}

/** Serves an endpoint on a port. Rejects when it is taken. */
export async function servePort(
  endpoint: Endpoint,
  where: Omit<ListenChoice, "open">,
): Promise<PortServer> {
  const open = (): Server => createServer(endpoint.accept);
  const { servers, port } = await listenOnAll({ ...where, open });
  const close = (): void => {
    for (const server of servers) server.close();
  };
  return {
    port,
    drain: () => {
      close();
      return endpoint.drain();
    },
    [Symbol.asyncDispose]: () => {
      close();
      return endpoint.close();
    },
  };
}
