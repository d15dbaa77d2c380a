import { createServer, type Server, type Socket } from "node:net";
import type { Log } from "#core/ports/platform.ts";
import { at, listening } from "#targets/node/listen/listening.ts";
import { plainAddress } from "#targets/node/listen/plain-address.ts";
import type { WaitMetrics } from "../wait-metrics.ts";
import type { Port } from "../messages.ts";
import { stopReading } from "./peek.ts";
import { type Known, readHttp2Token, readToken } from "./read-token.ts";
import type { Routes } from "./routes.ts";

export interface ListenersOptions {
  /** Empty: all addresses. */
  readonly address: string;
  readonly ports: Readonly<Record<"http" | "grpc", number>> & { readonly internal?: number };
  readonly routes: Routes;
  readonly log: Log;
  readonly waitMetrics: Pick<WaitMetrics, "begin">;
  /** The group's name where there is only one, so that nothing needs finding out. */
  soleGroup(): string | undefined;
  /** The connection is that group's; false where there is no such group. */
  hand(group: string, port: Port, socket: Socket, head: Buffer | undefined): boolean;
  /** Finds the group of a connection between nodes by the name that its client asks for. `undefined`: it has been dealt with. */
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
/** Of one address, so that nobody fills the place of others. */
const mostOfOne = 100;
const warnMs = 10_000;

/** Accepts connections for all groups; shares the ports with the process that replaces this one, or is replaced by it. */
export async function listen(options: ListenersOptions): Promise<Listeners> {
  const servers: Server[] = [];
  const ports: Partial<Record<Port, number>> = {};

  let warnedAt = -Infinity;
  let refused = 0;

  /** The group of a connection whose address says it. */
  function groupOf(address: string): string | undefined {
    const sole = options.soleGroup();
    if (sole !== undefined) return sole;
    const found = options.routes.of(address);
    return "group" in found ? found.group : undefined;
  }
  /** By the token of its first request; else once there is news. */
  async function route(port: Port, socket: Socket, address: string): Promise<void> {
    const { routes } = options;
    let known: Known | undefined;
    const find = (): string | undefined => {
      const found = routes.of(address);
      if ("group" in found) return found.group;
      const [only] = found.candidates;
      return known?.group(routes) ?? (found.candidates.size === 1 ? only : undefined);
    };
    let group = port === "grpc" ? find() : undefined;
    if (group === undefined) {
      known = await readToken(socket, newsMs);
      group = known && find();
    }
    if (known && group === undefined) {
      const news = untilFound(find, socket);
      if (known.isHttp2) known = await readHttp2Token(socket, known.head, news, newsMs);
      group = known && (find() ?? (await held(news)));
    }
    if (group !== undefined) return handOver(group, port, socket, known?.head);
    if (socket.destroyed) return;
    warn(address);
    if (!known || known.isHttp2) return void socket.destroy();
    socket.end(refusal);
    // What it still sends is not read; it must not keep the connection.
    setTimeout(() => socket.destroy(), closeMs).unref();
  }
  async function held<T>(news: Promise<T>): Promise<T> {
    const end = options.waitMetrics.begin("pod");
    return news.finally(end);
  }
  /** Once in a while: whoever knocks must not fill the log. */
  function warn(address: string): void {
    refused++;
    if (Date.now() - warnedAt < warnMs) return;
    warnedAt = Date.now();
    options.log.warn(
      `A connection from ${address}, which no pod of this node has, was refused (${refused} so far)`,
    );
  }
  function handOver(group: string, port: Port, socket: Socket, head: Buffer | undefined): void {
    if (head) stopReading(socket);
    if (!options.hand(group, port, socket, head)) socket.destroy();
  }
  async function routeInternal(socket: Socket): Promise<void> {
    const found = await options.readInternal(socket);
    if (!found) return;
    handOver(found.group, "internal", socket, found.head);
  }
  async function open(port: Port, number: number): Promise<void> {
    // Of this port: who fills that between the nodes keeps no pod from its runtime.
    const undecided = new Map<string, number>();
    let all = 0;
    const count = (address: string, by: 1 | -1): void => {
      const left = (undecided.get(address) ?? 0) + by;
      if (left === 0) undecided.delete(address);
      else undecided.set(address, left);
      all += by;
    };
    // Paused: the bytes are the group's.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on("error", () => {});
      const address = plainAddress(socket.remoteAddress);
      // It is gone already.
      if (address === undefined) return void socket.destroy();
      const group = port === "internal" ? undefined : groupOf(address);
      if (group !== undefined) return handOver(group, port, socket, undefined);
      const tooMany = all >= mostUndecided || (undecided.get(address) ?? 0) >= mostOfOne;
      if (tooMany) return void socket.destroy();
      count(address, 1);
      void (port === "internal" ? routeInternal(socket) : route(port, socket, address))
        .catch(() => socket.destroy())
        .finally(() => count(address, -1));
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

/** With the news of its pod, for as long as a connection waits for them. */
async function untilFound(
  find: () => string | undefined,
  socket: Socket,
): Promise<string | undefined> {
  for (let waited = 0; waited < newsMs && !socket.destroyed; waited += askMs) {
    await new Promise((done) => setTimeout(done, askMs));
    const group = find();
    if (group !== undefined) return group;
  }
  return undefined;
}
