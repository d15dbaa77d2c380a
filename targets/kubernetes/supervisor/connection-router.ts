import type { Socket } from "node:net";
import type { Log } from "#core/ports/platform.ts";
import type { Port } from "../messages.ts";
import type { WaitMetrics } from "../wait-metrics.ts";
import { stopReading } from "./peek.ts";
import { type Known, readHttp2Token, readToken } from "./read-token.ts";
import type { Routes } from "./routes.ts";

export interface ConnectionRouterOptions {
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
/** Finds the group of each connection, and hands it over. */
export interface ConnectionRouter {
  /** False where the address does not say whose it is: then `route` finds out. */
  routeByAddress(port: Port, socket: Socket, address: string): boolean;
  /** By what the client says first, or once there is news. Resolves when the connection has been handed over or refused. */
  route(port: Port, socket: Socket, address: string): Promise<void>;
}

const why = "no pod of this node calls from this address, and none has the api token";
const refusal = `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${why.length}\r\nConnection: close\r\n\r\n${why}`;
/** How long a connection waits for news of the pod that it comes from. */
const newsMs = 2000;
const askMs = 25;
const closeMs = 2000;
const warnMs = 10_000;

export function createConnectionRouter(options: ConnectionRouterOptions): ConnectionRouter {
  const { routes } = options;
  let warnedAt = -Infinity;
  let refused = 0;

  /** The group of a connection whose address says it. */
  function groupOf(address: string): string | undefined {
    const sole = options.soleGroup();
    if (sole !== undefined) return sole;
    const found = routes.of(address);
    return "group" in found ? found.group : undefined;
  }
  /** By the token of its first request; else once there is news. */
  async function routeByToken(port: Port, socket: Socket, address: string): Promise<void> {
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

  return {
    routeByAddress: (port, socket, address) => {
      const group = port === "internal" ? undefined : groupOf(address);
      if (group === undefined) return false;
      handOver(group, port, socket, undefined);
      return true;
    },
    route: (port, socket, address) =>
      port === "internal" ? routeInternal(socket) : routeByToken(port, socket, address),
  };
}

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
