import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { Readable } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { App } from "#core/app.ts";
import type { Caller } from "#core/http/input.ts";
import { cleanPath, splitTarget } from "#core/http/path.ts";
import type { Log } from "#core/ports/platform.ts";
import { type H2c, headersOf, isHttp2, offerH2c } from "./h2c.ts";
import { plainAddress } from "./plain-address.ts";
import { guardSocket } from "./unix-socket.ts";

export interface HttpServerOptions {
  /** Who calls is decided by the port: every request of this server is this app's. */
  readonly app: App;
  readonly fetch: (request: Request, caller: Caller) => Response | Promise<Response>;
  readonly port: number;
  /** Empty means all addresses. */
  readonly addresses: readonly string[];
  /** A Unix socket instead of ports, at a path that is free. */
  readonly socketPath?: string | undefined;
  /** True: clients may speak HTTP/2 without TLS. */
  readonly h2c?: boolean;
  /** Bytes of request headers before 431 (`read-buffer-size`). */
  readonly maxHeaderBytes: number;
  /** True: the public port, which asks for no token and knows only health and metadata. */
  readonly isPublic?: boolean;
  readonly log: Log;
}
/** Go's server allows this much over the limit it is given. */
const headerSlop = 4096;
const sweepMs = 20;
const badVersion = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

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
      const { incoming } = env as { incoming: IncomingMessage | Http2ServerRequest };
      const caller = isHttp2(incoming)
        ? new Http2Caller(options.app, incoming)
        : new NodeCaller(options.app, incoming, options.isPublic === true);
      if (caller.tokenFree && !isPublicPath(caller.target))
        return new Response(null, { status: 404 });
      return options.fetch(request, caller);
    },
    { hostname: "localhost" },
  );
  const handle: RequestListener = (incoming, outgoing) => {
    // Node reads a request without a version as HTTP/0.9; Go's server refuses it.
    if (incoming.httpVersionMajor === 0) incoming.socket.end(badVersion);
    else void listener(incoming, outgoing);
  };
  const { servers, port } = await listenOnAll(options, handle);
  const http2 = options.h2c
    ? servers.map((server) =>
        offerH2c(server, { listener: handle, maxHeaderBytes: options.maxHeaderBytes + headerSlop }),
      )
    : [];
  return handleOf(servers, http2, port);
}

function handleOf(servers: readonly Server[], http2: readonly H2c[], port: number): HttpServer {
  const closed = Promise.all(
    servers.map((server) => new Promise((done) => server.once("close", done))),
  );
  return {
    port,
    drain: () => {
      for (const server of servers) {
        server.close();
        // Whose answer is still on its way is idle only after it; the keep-alive timeout would be too late.
        const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
        server.once("close", () => clearInterval(sweep));
      }
      for (const each of http2) each.drain();
    },
    idle: () => closed.then(() => {}),
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      for (const each of http2) each.destroy();
    },
  };
}

/** What an address answers that this machine does not have: Kubernetes gives `[::1]` also where there is no IPv6. */
const absent: ReadonlySet<unknown> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/** Dapr: an address that is not there is left out, as long as one is. */
async function listenOnAll(
  options: HttpServerOptions,
  listener: RequestListener,
): Promise<{ readonly servers: readonly Server[]; readonly port: number }> {
  const { socketPath, addresses, log } = options;
  const servers: Server[] = [];
  let port = options.port;
  let missing: unknown;
  try {
    if (socketPath !== undefined) {
      servers.push(await listen(listener, options, { path: socketPath }));
      await guardSocket(socketPath);
      return { servers, port };
    }
    for (const host of addresses.length > 0 ? addresses : [undefined]) {
      try {
        const where = host === undefined ? { port } : { port, host };
        const server = await listen(listener, options, where);
        servers.push(server);
        port = (server.address() as { port: number }).port;
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
  get remoteAddress(): string | undefined {
    return plainAddress(this.#incoming.socket.remoteAddress);
  }
  get remotePort(): number | undefined {
    return this.#incoming.socket.remotePort;
  }
  bodyOfGet(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.#incoming) as ReadableStream<Uint8Array>;
  }
}
/** The same of HTTP/2, which may send a body without a word. */
class Http2Caller implements Caller {
  readonly app: App;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly tokenFree = false;
  readonly hasBody: boolean;
  readonly #incoming: Http2ServerRequest;
  constructor(app: App, incoming: Http2ServerRequest) {
    this.app = app;
    this.target = pathAndQuery(incoming.url);
    this.rawHeaders = headersOf(incoming);
    this.hasBody = !incoming.stream.endAfterHeaders;
    this.#incoming = incoming;
  }
  get remoteAddress(): string | undefined {
    return plainAddress(this.#incoming.socket.remoteAddress);
  }
  get remotePort(): number | undefined {
    return this.#incoming.socket.remotePort;
  }
  bodyOfGet(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.#incoming) as ReadableStream<Uint8Array>;
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
  listener: RequestListener,
  options: HttpServerOptions,
  where: { readonly port: number; readonly host?: string } | { readonly path: string },
): Promise<Server> {
  const server = createServer(
    {
      maxHeaderSize: options.maxHeaderBytes + headerSlop,
      headersTimeout: 10_000,
      // Node looks every 30 s otherwise, and slow headers would keep their connection for as long.
      connectionsCheckingInterval: 2000,
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
      noDelay: true,
    },
    listener,
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
