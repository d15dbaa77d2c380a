import { createServer, type Server, type Socket } from "node:net";
import type { Log } from "#core/ports/platform.ts";
import { at, listening } from "../../listening.ts";
import { plainAddress } from "../../plain-address.ts";
import type { Port } from "../messages.ts";
import { mostHeadBytes, readHead } from "./http-head.ts";
import type { Routes } from "./routes.ts";

export interface ListenersOptions {
  /** Empty: all addresses. */
  readonly address: string;
  readonly ports: Readonly<Record<"http" | "grpc", number>> & { readonly internal?: number };
  readonly routes: Routes;
  readonly log: Log;
  /** The group's name where there is only one, so that nothing needs finding out. */
  soleGroup(): string | undefined;
  /** The connection is that group's; false where there is no such group. */
  hand(group: string, port: Port, socket: Socket, head: Buffer | undefined): boolean;
  /** Finds the group of a connection between nodes by the name that its client asks for. */
  readInternal(
    socket: Socket,
  ): Promise<{ readonly group: string; readonly head: Buffer } | undefined>;
}
export interface Listeners {
  readonly ports: Readonly<Partial<Record<Port, number>>>;
  /** Takes no new connections: another process of the node does. */
  close(): Promise<void>;
}

const why = "no pod of this node calls from this address, and none has the api token";
const refusal = `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${why.length}\r\nConnection: close\r\n\r\n${why}`;
/** How long a connection waits for news of the pod that it comes from. */
const newsMs = 2000;
const askMs = 25;
const closeMs = 2000;
const mostUndecided = 1000;

/** Accepts connections for all groups; shares the ports with the process that replaces this one, or is replaced by it. */
export async function listen(options: ListenersOptions): Promise<Listeners> {
  const servers: Server[] = [];
  const ports: Partial<Record<Port, number>> = {};

  /** By address where it is known; else by the token of an HTTP/1 request; else once there is news. */
  async function route(port: Port, socket: Socket): Promise<void> {
    const address = plainAddress(socket.remoteAddress);
    if (address === undefined) return void socket.destroy();
    const { routes } = options;
    const sole = options.soleGroup();
    if (sole !== undefined) return handOver(sole, port, socket, undefined);
    let head: Buffer | undefined;
    let isRead = false;
    for (let waited = 0; waited <= newsMs; waited += askMs) {
      const found = routes.of(address);
      if ("group" in found) return handOver(found.group, port, socket, head);
      if (!isRead && port === "http") {
        const known = await readToken(socket);
        isRead = true;
        if (!known) return void socket.destroy();
        ({ head } = known);
        const group = known.group(routes);
        if (group !== undefined) return handOver(group, port, socket, head);
      }
      const { candidates } = found;
      const [only] = candidates;
      if (candidates.size === 1 && only !== undefined) return handOver(only, port, socket, head);
      await new Promise((done) => setTimeout(done, askMs));
      if (socket.destroyed) return;
    }
    options.log.warn(`A connection from ${address}, which no pod of this node has, was refused`);
    if (!head) return void socket.destroy();
    socket.end(refusal);
    // What it still sends is not read; it must not keep the connection.
    setTimeout(() => socket.destroy(), closeMs).unref();
  }
  function handOver(group: string, port: Port, socket: Socket, head: Buffer | undefined): void {
    if (head) stopReading(socket);
    if (!options.hand(group, port, socket, head)) socket.destroy();
  }
  async function routeInternal(socket: Socket): Promise<void> {
    const found = await options.readInternal(socket);
    if (!found) return void socket.destroy();
    handOver(found.group, "internal", socket, found.head);
  }
  async function open(port: Port, number: number): Promise<void> {
    // Of this port: who fills that between the nodes keeps no pod from its runtime.
    let undecided = 0;
    // Paused: the bytes are the group's.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on("error", () => {});
      if (undecided >= mostUndecided) return void socket.destroy();
      undecided++;
      void (port === "internal" ? routeInternal(socket) : route(port, socket))
        .catch(() => socket.destroy())
        .finally(() => undecided--);
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
    // Right after the loop has accepted what had come: what waits in a queue that closes is lost.
    await new Promise((done) => setImmediate(done));
    for (const server of servers) server.close();
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
 * Between here and the group's process nobody may take bytes off the connection. Node stops reading only when its
 * own buffer is full; `_handle` is the one private member that this relies on, and a test fails when it goes.
 */
export function stopReading(socket: Socket): void {
  const { _handle: handle } = socket as unknown as {
    readonly _handle?: { reading?: boolean; readStop?(): void };
  };
  if (!handle) return;
  handle.reading = false;
  handle.readStop?.();
}

interface Known {
  readonly head: Buffer;
  group(routes: Routes): string | undefined;
}

/** Reads on until the token is there, or is not going to be. `undefined`: the connection has ended. */
function readToken(socket: Socket): Promise<Known | undefined> {
  return new Promise((resolve) => {
    let head: Buffer = Buffer.alloc(0);
    const end = (known: Known | undefined): void => {
      clearTimeout(timer);
      socket.off("readable", look).off("close", gone);
      resolve(known);
    };
    const settle = (found: ReturnType<typeof readHead>): void => {
      stopReading(socket);
      end({
        head,
        group: (routes) =>
          found.kind !== "token"
            ? undefined
            : (routes.withToken(found.hash) ??
              (found.podUid === undefined ? undefined : routes.withUid(found.podUid))),
      });
    };
    const look = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      head = Buffer.concat([head, bytes]);
      const found = readHead(head);
      if (found.kind !== "more" || head.length >= mostHeadBytes) settle(found);
    };
    const gone = (): void => end(undefined);
    const timer = setTimeout(() => settle({ kind: "none" }), newsMs).unref();
    socket.on("readable", look).once("close", gone);
  });
}
