import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import {
  Server as GrpcJsServer,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type { App } from "#core/kernel/app.ts";
import type { GrpcSurface } from "#core/wire/grpc/surface.ts";
import { toApiError } from "#core/errors/api-error.ts";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { AppFinder } from "../listen/app-finder.ts";
import { closeAfter } from "../listen/h2c.ts";
import type { Endpoint } from "../listen/on-first-use.ts";
import { plainAddress } from "../listen/plain-address.ts";
import { written } from "../listen/written.ts";
import { StreamOrigin } from "./caller.ts";
import { refuse } from "./status.ts";
import { type GrpcJsOrigin, requestsOf, serveStream } from "./streaming.ts";
import { serveUnary, type UnaryMethod } from "./unary.ts";
import { appOf, isAuthenticated } from "./who.ts";

export interface GrpcEndpointOptions {
  /** Whose calls they are: one app's, since the port is; or found for each. */
  readonly who: App | AppFinder;
  readonly surface: GrpcSurface;
  /** Largest message of a stream, both ways; a unary call's limit is its app's. */
  readonly maxMessageBytes: number;
  /** Takes every call to a service that is not Dapr's. */
  proxy(caller: StreamOrigin, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
}

/** Speaks the gRPC API over connections that somebody else has accepted. */
export function createGrpcEndpoint(options: GrpcEndpointOptions): Endpoint {
  const server = serverFor(options);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  return {
    accept: (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      injector.injectConnection(socket);
    },
    drain: async () => {
      injector.destroy();
      await Promise.all([...sockets].map(written));
    },
    close: async () => {
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function serverFor(options: GrpcEndpointOptions): GrpcJsServer {
  const server = new GrpcJsServer({
    "grpc.max_receive_message_length": options.maxMessageBytes,
    "grpc.max_send_message_length": options.maxMessageBytes,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5000,
    "grpc.max_connection_idle_ms": 180_000,
    "grpc.enable_channelz": 0,
  });
  register(server, options);
  intercept(server, options);
  return server;
}

/** grpc-js wants a Buffer, which a view of the same memory is. */
const bytes = (message: Uint8Array): Buffer =>
  Buffer.from(message.buffer, message.byteOffset, message.byteLength);

/** Streaming calls, and unary ones with compressed messages, are grpc-js' own. */
function register(server: GrpcJsServer, { who, surface }: GrpcEndpointOptions): void {
  const serve = (
    call: ServerWritableStream<Uint8Array, Uint8Array> | ServerDuplexStream<Uint8Array, Uint8Array>,
    run: (caller: GrpcJsOrigin) => AsyncIterable<Uint8Array>,
  ): void => void serveStream(who, call, run);
  for (const [path, method] of surface.methods)
    switch (method.kind) {
      case "server_streaming":
        server.register(
          path,
          (call: ServerWritableStream<Uint8Array, Uint8Array>) =>
            serve(call, (caller) => method.stream(call.request, caller)),
          bytes,
          bytes,
          "serverStream",
        );
        break;
      case "bidi_streaming":
        server.register(
          path,
          (call: ServerDuplexStream<Uint8Array, Uint8Array>) =>
            serve(call, (caller) => method.stream(requestsOf(call), caller)),
          bytes,
          bytes,
          "bidi",
        );
        break;
      case "unary":
        // With a compressed message the call comes here, as a stream of one.
        server.register(
          path,
          (call: ServerWritableStream<Uint8Array, Uint8Array>) =>
            serve(call, (caller) => one(method, call.request, caller)),
          bytes,
          bytes,
          "serverStream",
        );
    }
}
async function* one(
  method: UnaryMethod,
  request: Uint8Array,
  caller: GrpcJsOrigin,
): AsyncGenerator<Uint8Array> {
  yield await method.call(request, caller);
}

/** The one private member of grpc-js that we rely on; its version is pinned, and a test fails when it goes. */
interface StreamSeam {
  _streamHandler(
    interceptors: unknown,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ): void;
  onStreamOpened(stream: ServerHttp2Stream): void;
}

/** Takes unary and foreign calls off grpc-js, which has no public place for either. */
function intercept(server: GrpcJsServer, options: GrpcEndpointOptions): void {
  const seam = server as unknown as StreamSeam;
  const { who, surface } = options;
  const own = seam._streamHandler;
  seam._streamHandler = function (interceptors, stream, headers) {
    const contentType = headers["content-type"];
    if (contentType?.startsWith("application/grpc") !== true)
      return own.call(server, interceptors, stream, headers);
    const method = surface.methods.get(headers[":path"] as string);
    if (method) {
      const encoding = headers["grpc-encoding"];
      const plain = encoding === undefined || encoding === "identity";
      if (method.kind !== "unary" || !plain) return own.call(server, interceptors, stream, headers);
    }
    // The client may vanish at any time: "close" tells, "error" must only not be thrown.
    stream.on("error", () => {});
    seam.onStreamOpened(stream);
    const token = headers[tokenHeader] as string | undefined;
    const fail = (reason: unknown): void => refuse(stream, renderStatus(toApiError(reason)));
    const serve = (app: App): void => {
      try {
        const caller = new StreamOrigin(app, headers, stream, isAuthenticated(who, token));
        if (method?.kind === "unary") serveUnary(method, caller, stream, headers);
        else options.proxy(caller, stream, headers);
      } catch (reason) {
        fail(reason);
      }
    };
    try {
      const socket = stream.session?.socket;
      const shown = {
        token,
        remoteAddress: plainAddress(socket?.remoteAddress),
        remotePort: socket?.remotePort,
      };
      const app = appOf(who, shown, () => closeAfter(stream));
      if (!(app instanceof Promise)) return serve(app);
      app.then(serve, fail);
    } catch (reason) {
      fail(reason);
    }
  };
}
