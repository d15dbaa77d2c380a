import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { App } from "#core/app.ts";
import type { Caller } from "#core/http/input.ts";
import { cleanPath, splitTarget } from "#core/http/path.ts";

export interface HttpServerOptions {
  /** Who calls is decided by the port: every request of this server is this app's. */
  readonly app: App;
  readonly fetch: (request: Request, caller: Caller) => Response | Promise<Response>;
  readonly port: number;
  /** Empty means all addresses. */
  readonly addresses: readonly string[];
  /** Bytes of request headers before 431 (`read-buffer-size`). */
  readonly maxHeaderBytes: number;
  /** True: the public port, which asks for no token and knows only health and metadata. */
  readonly isPublic?: boolean;
}
/** Go's server allows this much over the limit it is given. */
const headerSlop = 4096;

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Stops accepting; connections end with their current request. */
  drain(): void;
  /** Resolves when no connection is left. Only after `drain`. */
  idle(): Promise<void>;
}

/** Serves one app's API on its own port. Rejects when the port is taken. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const listener = getRequestListener(
    (request, env) => {
      const { incoming } = env as { incoming: IncomingMessage };
      const caller = new NodeCaller(options.app, incoming, options.isPublic === true);
      if (caller.tokenFree && !isPublicPath(caller.target))
        return new Response(null, { status: 404 });
      return options.fetch(request, caller);
    },
    { hostname: "localhost" },
  );
  const servers: Server[] = [];
  let port = options.port;
  try {
    for (const address of options.addresses.length > 0 ? options.addresses : [undefined]) {
      const server = await listen(listener, options, port, address);
      servers.push(server);
      port = (server.address() as { port: number }).port;
    }
  } catch (reason) {
    for (const server of servers) server.close();
    throw reason;
  }
  const closed = Promise.all(
    servers.map((server) => new Promise((done) => server.once("close", done))),
  );
  return {
    port,
    drain: () => {
      for (const server of servers) {
        server.close();
        server.closeIdleConnections();
      }
    },
    idle: () => closed.then(() => {}),
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

/** Reads the wire's own target and headers, which `Request` has already normalised. */
class NodeCaller implements Caller {
  readonly app: App;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly tokenFree: boolean;
  readonly #incoming: IncomingMessage;
  constructor(app: App, incoming: IncomingMessage, tokenFree: boolean) {
    this.app = app;
    this.tokenFree = tokenFree;
    this.target = pathAndQuery(incoming.url ?? "/");
    this.rawHeaders = incoming.rawHeaders;
    this.#incoming = incoming;
  }
  /** An IPv4 peer of a socket that listens on both is named as IPv4. */
  get remoteAddress(): string | undefined {
    return this.#incoming.socket.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/i, "");
  }
}
const publicPath = /^\/v1\.0\/(?:healthz(?:\/outbound)?|metadata(?:\/[^/]+)?)$/;
function isPublicPath(target: string): boolean {
  return publicPath.test(cleanPath(splitTarget(target).path));
}
/** A proxy's absolute-form target names the host again; the path is what counts. */
function pathAndQuery(url: string): string {
  if (url.startsWith("/")) return url;
  const slash = url.indexOf("/", url.indexOf("://") + 3);
  return slash === -1 ? "/" : url.slice(slash);
}

function listen(
  listener: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>,
  options: HttpServerOptions,
  port: number,
  address: string | undefined,
): Promise<Server> {
  const server = createServer(
    {
      maxHeaderSize: options.maxHeaderBytes + headerSlop,
      headersTimeout: 10_000,
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
      noDelay: true,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(address === undefined ? {} : { host: address }) }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
