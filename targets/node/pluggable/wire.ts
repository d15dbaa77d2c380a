import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { code } from "#targets/node/grpc/status.ts";
import { maxMessageBytes, type RawCall, startCall } from "./call.ts";
import { toComponentError } from "./errors.ts";
import { decode, encode } from "./messages.ts";
import { openStream, type Stream } from "./stream.ts";

/** One connection to a component. It is not made anew: whoever holds it dials again. */
export interface Wire {
  /** Rejects with a ComponentError, or with the signal's reason once that has fired. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>>;
  /** `path` where the service goes by another name than the method says. Throws when the connection is gone. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    path?: string,
  ): Stream<I, O>;
  /** Fires once the connection takes no more calls, whoever ended it. */
  readonly gone: AbortSignal;
  /** Ends the connection and every call on it. */
  close(): void;
}

/** Enough that a large message needs no round trip, little enough to bound memory. */
const windowBytes = 1 << 20;

/** Connects to the socket. Rejects with `unavailable` when no HTTP/2 server answers there, with the signal's reason when that fires. */
export async function dial(
  path: string,
  instance: string | undefined,
  { signal }: CallOptions,
): Promise<Wire> {
  signal.throwIfAborted();
  const socket = connect({ path });
  const session = connectHttp2("http://localhost", {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes },
  });
  // The "close" that follows says the same.
  session.on("error", () => {});
  socket.on("error", () => {});
  try {
    await untilReady(session, socket, path, signal);
    return wireOf(session, socket, instance);
  } catch (reason) {
    session.destroy();
    socket.destroy();
    throw reason;
  }
}

/** The server's settings are the first thing that tells it from something that is not HTTP/2. */
function untilReady(
  session: ClientHttp2Session,
  socket: Socket,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => (): void => {
      signal.removeEventListener("abort", gaveUp);
      session.removeListener("remoteSettings", ready);
      session.removeListener("close", failed);
      socket.removeListener("close", failed);
      settle();
    };
    const gaveUp = end(() => reject(signal.reason as Error));
    const ready = end(resolve);
    const failed = end(() =>
      reject(new ComponentError("unavailable", `no component answers at ${path}`)),
    );
    signal.addEventListener("abort", gaveUp);
    session.once("remoteSettings", ready);
    session.once("close", failed);
    socket.once("close", failed);
  });
}

function wireOf(session: ClientHttp2Session, socket: Socket, instance: string | undefined): Wire {
  const gone = new AbortController();
  const leave = (): void =>
    gone.abort(new ComponentError("unavailable", "the connection to the component is gone"));
  session.once("goaway", leave);
  session.once("close", leave);
  if (session.destroyed) leave();
  else session.setLocalWindowSize(windowBytes);

  function start(path: string, take: (message: Uint8Array) => void): RawCall {
    if (gone.signal.aborted) throw gone.signal.reason;
    return startCall(session, path, instance, take);
  }
  return {
    gone: gone.signal,
    close: () => {
      leave();
      session.destroy();
      socket.destroy();
    },
    unary: async (method, request, { signal }) => {
      signal.throwIfAborted();
      const bytes = encode(method.input, request);
      if (bytes.length > maxMessageBytes) throw tooLarge(bytes.length);
      let answer: Uint8Array | undefined;
      const call = start(pathOf(method), (message) => (answer = message));
      signal.addEventListener("abort", call.cancel, { once: true });
      try {
        void call.write(bytes);
        call.end();
        await call.over;
      } catch (reason) {
        signal.throwIfAborted();
        throw reason;
      } finally {
        signal.removeEventListener("abort", call.cancel);
      }
      if (answer) return decode(method.output, answer);
      throw toComponentError({ code: code.internal, message: "the component gave no answer" });
    },
    stream: ({ input, output, ...method }, path) => {
      const messages: { take(message: Uint8Array): void } = { take: () => {} };
      const call = start(path ?? pathOf(method), (message) => messages.take(message));
      return openStream(input, output, call, messages);
    },
  };
}

function pathOf({ parent, name }: Pick<DescMethodUnary, "parent" | "name">): string {
  return `/${parent.typeName}/${name}`;
}

function tooLarge(size: number): ComponentError {
  const message = `trying to send message larger than max (${size} vs. ${maxMessageBytes})`;
  return toComponentError({ code: code.resourceExhausted, message });
}
