import type { Server } from "node:http";
import type { Log } from "#core/ports/platform.ts";
import {
  createHttpEndpoint,
  type HttpEndpoint,
  type HttpEndpointOptions,
} from "./http-endpoint.ts";
import { at, listening } from "./listening.ts";
import { guardSocket } from "./unix-socket.ts";

export interface HttpServerOptions extends HttpEndpointOptions {
  readonly port: number;
  /** Empty means all addresses. */
  readonly addresses: readonly string[];
  /** A Unix socket instead of ports, at a path that is free. */
  readonly socketPath?: string | undefined;
  readonly log: Log;
}
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Stops accepting; connections end with their current request. */
  drain(): void;
  /** Resolves when no connection is left. Only after `drain`. */
  idle(): Promise<void>;
}

/** Serves the API on a port. Rejects when it is taken. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const endpoint = createHttpEndpoint(options);
  const { servers, port } = await listenOnAll(options, endpoint);
  const closed = Promise.all(
    servers.map((server) => new Promise((done) => server.once("close", done))),
  );
  return {
    port,
    drain: () => endpoint.drain(),
    idle: () => closed.then(() => {}),
    [Symbol.asyncDispose]: async () => endpoint[Symbol.dispose](),
  };
}

/** What an address answers that this machine does not have: Kubernetes gives `[::1]` also where there is no IPv6. */
const absent: ReadonlySet<unknown> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/** Dapr: an address that is not there is left out, as long as one is. */
async function listenOnAll(
  options: HttpServerOptions,
  endpoint: HttpEndpoint,
): Promise<{ readonly servers: readonly Server[]; readonly port: number }> {
  const { socketPath, addresses, log } = options;
  const servers: Server[] = [];
  let port = options.port;
  let missing: unknown;
  try {
    if (socketPath !== undefined) {
      const server = endpoint.open();
      await listening(server, { path: socketPath });
      servers.push(server);
      await guardSocket(socketPath);
      return { servers, port };
    }
    for (const host of addresses.length > 0 ? addresses : [undefined]) {
      try {
        const server = endpoint.open();
        port = await listening(server, { port, ...at(host) });
        servers.push(server);
      } catch (reason) {
        if (!absent.has((reason as NodeJS.ErrnoException).code)) throw reason;
        missing = reason;
        log.warn(`Not listening on ${host}, which this machine does not have`);
      }
    }
    if (servers.length === 0) throw missing;
    return { servers, port };
  } catch (reason) {
    for (const server of servers) server.close();
    throw reason;
  }
}
