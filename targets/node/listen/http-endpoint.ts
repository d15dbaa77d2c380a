import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { App } from "#core/kernel/app.ts";
import type { HttpSurface } from "#core/wire/http/surface.ts";
import { tokenHeader } from "#core/gate/token.ts";
import { joinedHeader } from "#core/util/header-list.ts";
import { BytesResponse } from "../channel/bytes-response.ts";
import { type AppFinder, isRejection, type Rejection } from "./app-finder.ts";
import { closeAfter, isHttp2, offerH2c } from "./h2c.ts";
import { Http2RequestOrigin, NodeRequestOrigin } from "./request-origin.ts";

export interface HttpEndpointOptions {
  /** Whose calls they are: one app's, since the port is; or found for each. */
  readonly who: App | AppFinder;
  readonly fetch: HttpSurface;
  /** True: clients may speak HTTP/2 without TLS. */
  readonly h2c?: boolean;
  /** Bytes of request headers before 431 (`read-buffer-size`). */
  readonly maxHeaderBytes: number;
  /** True: the public port, which asks for no token and knows only health and metadata. */
  readonly isPublic?: boolean;
}
/** Speaks the HTTP API over connections, wherever they come from. */
export interface HttpEndpoint extends Disposable {
  /** A server that does not listen yet, of which there may be several: one for each address. */
  open(): Server;
  /** Takes a connection that somebody else has accepted. */
  accept(socket: Socket): void;
  /** Answers say from now on that the connection ends; those that are idle end after `idleMs` (default: at once). */
  drain(idleMs?: number): void;
}

/** Go's server allows this much over the limit it is given. */
const headerSlop = 4096;
const sweepMs = 20;
const badVersion = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

export function createHttpEndpoint(options: HttpEndpointOptions): HttpEndpoint {
  const answer = handlerOf(options);
  const listener = getRequestListener(
    (request, env) => answer(request, (env as { incoming: Incoming }).incoming),
    { hostname: "localhost" },
  );
  const servers: Server[] = [];
  const http2: Array<ReturnType<typeof offerH2c>> = [];
  let isDraining = false;
  const handle: RequestListener = (incoming, outgoing) => {
    // Node reads a request without a version as HTTP/0.9; Go's server refuses it.
    if (incoming.httpVersionMajor === 0) return void incoming.socket.end(badVersion);
    if (incoming.httpVersionMajor === 1) sayOfConnection(incoming, outgoing, isDraining);
    void listener(incoming, outgoing);
  };
  const open = (): Server => {
    const maxHeaderBytes = options.maxHeaderBytes + headerSlop;
    const server = createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: 10_000,
        // Node looks every 30 s otherwise, and slow headers would keep their connection for as long.
        connectionsCheckingInterval: 2000,
        requestTimeout: 0,
        keepAliveTimeout: 65_000,
        noDelay: true,
        ServerResponse: BytesResponse,
      },
      handle,
    );
    // The size is the limit; Node would pass over those beyond the 2000th without a word.
    server.maxHeadersCount = 0;
    servers.push(server);
    if (options.h2c) http2.push(offerH2c(server, { listener: handle, maxHeaderBytes }));
    return server;
  };
  let own: Server | undefined;
  return {
    open,
    accept: (socket) => {
      if (!own) {
        own = open();
        // What makes Node watch over the connections of a server: slow headers, idle ones.
        own.emit("listening");
      }
      own.emit("connection", socket);
    },
    drain: (idleMs = 0) => {
      isDraining = true;
      for (const each of http2) each.drain(idleMs);
      for (const server of servers) {
        if (server.listening) server.close();
        // Whose answer is still on its way is idle only after it; the keep-alive timeout would be too late.
        const sweep = (): void => {
          const timer = setInterval(() => server.closeIdleConnections(), sweepMs).unref();
          if (server === own) return;
          server.once("close", () => clearInterval(timer));
        };
        if (idleMs === 0) sweep();
        else setTimeout(sweep, idleMs).unref();
      }
    },
    [Symbol.dispose]: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      for (const each of http2) each.destroy();
    },
  };
}

/** Node would say "keep-alive", as only HTTP/1.0 needs it, and name a time. Dapr: says nothing of a connection that stays. */
function sayOfConnection(
  { httpVersionMinor }: IncomingMessage,
  outgoing: ServerResponse,
  isDraining: boolean,
): void {
  if (isDraining) outgoing.setHeader("connection", "close");
  else if (httpVersionMinor > 0 && outgoing.shouldKeepAlive) outgoing.removeHeader("connection");
}

type Incoming = IncomingMessage | Http2ServerRequest;

function handlerOf({
  who,
  fetch,
  isPublic = false,
}: HttpEndpointOptions): (request: Request, incoming: Incoming) => Response | Promise<Response> {
  const serve = (
    request: Request,
    app: App,
    incoming: Incoming,
    isAuthenticated: boolean,
  ): Response | Promise<Response> => {
    const caller = isHttp2(incoming)
      ? new Http2RequestOrigin(app, incoming, isAuthenticated)
      : new NodeRequestOrigin(app, incoming, isPublic, isAuthenticated);
    return fetch(request, caller);
  };
  if (typeof who !== "function") return (request, incoming) => serve(request, who, incoming, false);
  return (request, incoming) => {
    // A caller without an app only reads what came in.
    const seen = isHttp2(incoming)
      ? new Http2RequestOrigin(nobody, incoming)
      : new NodeRequestOrigin(nobody, incoming, false);
    const token = joinedHeader(seen.rawHeaders, tokenHeader);
    // Who shows a token is found by it, or not at all.
    const isAuthenticated = token !== undefined;
    const found = who({
      token,
      remoteAddress: seen.remoteAddress,
      remotePort: seen.remotePort,
      isOpen: !isAuthenticated && fetch.exempt(request.method, seen.target)?.token === true,
    });
    if (found instanceof Promise)
      return found.then((app) =>
        isRejection(app) ? refusal(app, incoming) : serve(request, app, incoming, isAuthenticated),
      );
    return isRejection(found)
      ? refusal(found, incoming)
      : serve(request, found, incoming, isAuthenticated);
  };
}
const nobody = {} as App;

function refusal({ status, message, mayBeElsewhere }: Rejection, incoming: Incoming): Response {
  const headers: Record<string, string> = { "content-type": "text/plain; charset=utf-8" };
  if (mayBeElsewhere) {
    if (isHttp2(incoming)) closeAfter(incoming.stream);
    else headers["connection"] = "close";
  }
  if (status === 429 || status === 503) headers["retry-after"] = "1";
  return new Response(message, { status, headers });
}
