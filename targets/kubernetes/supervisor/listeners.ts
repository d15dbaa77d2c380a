import { createServer, type Server } from "node:net";
import { at, listening } from "#targets/node/listen/listening.ts";
import { plainAddress } from "#targets/node/listen/plain-address.ts";
import type { Port } from "../messages.ts";
import { type ConnectionRouterOptions, createConnectionRouter } from "./connection-router.ts";
import { createUndecidedConnections } from "./undecided-connections.ts";

export interface ListenersOptions extends ConnectionRouterOptions {
  /** Empty: all addresses. */
  readonly address: string;
  readonly ports: Readonly<Record<"http" | "grpc", number>> & { readonly internal?: number };
}
export interface Listeners {
  readonly ports: Readonly<Partial<Record<Port, number>>>;
  /** Takes no new connections: another process of the node does. */
  close(): Promise<void>;
}

/** Accepts connections for all groups; shares the ports with the process that replaces this one, or is replaced by it. */
export async function listen(options: ListenersOptions): Promise<Listeners> {
  const servers: Server[] = [];
  const ports: Partial<Record<Port, number>> = {};
  const router = createConnectionRouter(options);

  async function open(port: Port, number: number): Promise<void> {
    // Of this port: who fills that between the nodes keeps no pod from its runtime.
    const undecided = createUndecidedConnections();
    // Paused: the bytes are the group's.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on("error", () => {});
      const address = plainAddress(socket.remoteAddress);
      // It is gone already.
      if (address === undefined) return void socket.destroy();
      if (router.routeByAddress(port, socket, address)) return;
      if (!undecided.hasRoom(address)) return void socket.destroy();
      undecided.count(address, 1);
      void router
        .route(port, socket, address)
        .catch(() => socket.destroy())
        .finally(() => undecided.count(address, -1));
    });
    servers.push(server);
    ports[port] = await listening(server, {
      port: number,
      ...at(options.address),
      reusePort: true,
      backlog: 4096,
    });
  }
  const close = async (): Promise<void> => {
    for (const server of servers) {
      await quietTurn();
      server.close();
    }
  };
  try {
    await open("http", options.ports.http);
    await open("grpc", options.ports.grpc);
    if (options.ports.internal !== undefined) await open("internal", options.ports.internal);
  } catch (reason) {
    await close();
    throw reason;
  }
  return { ports, close };
}

/**
 * Resolves when a turn of the event loop has just found nothing to do. The connections that wait in a listener's queue
 * when it closes are lost, and that turn has looked there microseconds ago.
 */
async function quietTurn(): Promise<void> {
  const since = performance.now();
  for (let before = since; before - since < mostTurnsMs;) {
    await new Promise((done) => setImmediate(done));
    const now = performance.now();
    if (now - before < quietMs) return;
    before = now;
  }
}
const quietMs = 0.1;
const mostTurnsMs = 500;
