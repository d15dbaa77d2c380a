import {
  type ClientHttp2Session,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { messageOf } from "#core/errors/component-error.ts";
import { frame } from "#targets/node/grpc/frames.ts";
import { code } from "#targets/node/grpc/status.ts";
import { type Failure, toComponentError } from "./errors.ts";
import { FrameReader } from "./frame-reader.ts";

export const maxMessageBytes = 4_194_304;

/** One gRPC call as it stands on the wire. */
export interface RawCall {
  /** Resolves once the message is on its way, or the call is over. */
  write(message: Uint8Array): Promise<void>;
  /** Says that nothing more will be sent. */
  end(): void;
  pause(): void;
  resume(): void;
  cancel(): void;
  /** Resolves when the component has ended the call well; rejects with a ComponentError. */
  readonly over: Promise<void>;
}

/**
 * Starts a call. grpc-js would do this too, but it keeps a socket that never answers for ever, and goes on
 * connecting to one that is gone.
 */
export function startCall(
  session: ClientHttp2Session,
  path: string,
  instance: string | undefined,
  take: (message: Uint8Array) => void,
): RawCall {
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    ":scheme": "http",
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...(instance === undefined ? {} : { "x-component-instance": headerText(instance) }),
  });
  const writing = new Set<() => void>();
  let head: Head | undefined;
  let tail: IncomingHttpHeaders | undefined;
  let refused: Failure | undefined;
  const reader = new FrameReader(maxMessageBytes, take);
  const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
  stream.on("response", (headers) => (head = headers));
  stream.on("trailers", (headers) => (tail = headers));
  stream.on("data", (chunk: Uint8Array) => {
    try {
      // Plain bytes: what is cut out of a Buffer would be one.
      reader.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    } catch (reason) {
      refused ??= { code: code.resourceExhausted, message: messageOf(reason) };
      cancel();
    }
  });
  stream.on("end", () => stream.end());
  // What it says, "close" says too.
  stream.on("error", () => {});
  stream.on("close", () => {
    for (const done of writing) done();
    writing.clear();
    const failure = refused ?? failureOf(head, tail, stream.rstCode, session);
    if (failure) over.reject(toComponentError(failure));
    else over.resolve();
  });
  return {
    over: over.promise,
    write: (message) =>
      new Promise((resolve) => {
        if (stream.closed || stream.destroyed || stream.writableEnded) return resolve();
        writing.add(resolve);
        stream.write(frame(message), () => {
          writing.delete(resolve);
          resolve();
        });
      }),
    end: () => void stream.end(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    cancel,
  };
}

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** Printable ASCII is all that a header may hold. */
function headerText(text: string): string {
  return text.replace(/[^ -~]/g, "?");
}

function failureOf(
  head: Head | undefined,
  tail: IncomingHttpHeaders | undefined,
  reset: number,
  session: ClientHttp2Session,
): Failure | undefined {
  const said = tail?.["grpc-status"] === undefined ? head : tail;
  const status = said?.["grpc-status"];
  if (said && typeof status === "string") {
    if (status === "0") return undefined;
    const details = said["grpc-status-details-bin"];
    return {
      code: /^\d+$/.test(status) ? Number(status) : code.unknown,
      message: decoded(said["grpc-message"]),
      ...(typeof details === "string" ? { details: Buffer.from(details, "base64") } : {}),
    };
  }
  if (head && head[":status"] !== 200)
    return {
      code: head[":status"] === 404 ? code.unimplemented : code.unknown,
      message: `the component answered with HTTP status ${head[":status"]}`,
    };
  const lost = session.destroyed || session.closed || reset === constants.NGHTTP2_REFUSED_STREAM;
  if (lost) return { code: code.unavailable, message: "the connection to the component is gone" };
  return reset === constants.NGHTTP2_CANCEL
    ? { code: code.cancelled, message: "the call was cancelled" }
    : { code: code.internal, message: "the component ended the call without a status" };
}

function decoded(message: string | string[] | undefined): string {
  const text = typeof message === "string" ? message : "";
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
