import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import {
  type RpcAnswer,
  type RpcChannel,
  RpcError,
  unavailable,
} from "#core/wire/grpc/app-channel/rpc.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { cancelStream } from "../channel/http2-cancel.ts";
import type { Http2Pool } from "../channel/http2-pool.ts";
import { createSemaphore } from "../semaphore.ts";
import { frame, prefixBytes } from "./frames.ts";
import { code } from "./status.ts";

export interface RpcChannelOptions {
  readonly maxMessageBytes: number;
  /** Calls in flight; 0 or less means no limit. */
  readonly maxConcurrency: number;
}

/** Unary calls to an app's gRPC server, over as many connections as they need. */
export function rpcChannel(pool: Http2Pool, options: RpcChannelOptions): RpcChannel {
  const slots = options.maxConcurrency > 0 ? createSemaphore(options.maxConcurrency) : undefined;
  const call: RpcChannel["call"] = (path, message, metadata, callOptions) =>
    unary(pool, path, message, metadata, callOptions, options.maxMessageBytes);
  if (!slots) return { call };
  return {
    call: async (path, message, metadata, callOptions) => {
      const release = await slots.take(callOptions);
      try {
        return await call(path, message, metadata, callOptions);
      } finally {
        release();
      }
    },
  };
}

async function unary(
  pool: Http2Pool,
  path: string,
  message: Uint8Array,
  metadata: HeaderList,
  { signal }: CallOptions,
  maxBytes: number,
): Promise<RpcAnswer> {
  if (message.byteLength > maxBytes)
    throw new RpcError(
      code.resourceExhausted,
      `grpc: trying to send message larger than max (${message.byteLength} vs. ${maxBytes})`,
    );
  const stream = await pool.request(requestHeaders(path, metadata)).catch((reason: unknown) => {
    throw new RpcError(unavailable, messageOf(reason));
  });
  return new Promise((resolve, reject) => {
    const seen: string[] = [];
    const chunks: Buffer[] = [];
    let size = 0;
    let status: IncomingHttpHeaders | undefined;
    const keep = (headers: IncomingHttpHeaders): void => {
      for (const name in headers) seen.push(name, String(headers[name]));
      if (headers["grpc-status"] !== undefined) status = headers;
      else {
        const http = Number(headers[":status"] ?? 200);
        // Not what a gRPC server answers, but what stands before one does; there is a table for it.
        if (http !== 200)
          fail(new RpcError(ofHttp[http] ?? code.unknown, `unexpected HTTP status code ${http}`));
      }
    };
    const gone = (): void => fail(signal.reason as Error);
    const fail = (reason: Error): void => {
      reject(reason);
      cancelStream(stream);
    };
    if (signal.aborted) return gone();
    signal.addEventListener("abort", gone, { once: true });
    stream.on("error", () => {});
    stream.once("response", keep);
    stream.once("trailers", keep);
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes + prefixBytes) chunks.push(chunk);
      else
        fail(
          new RpcError(
            code.resourceExhausted,
            `grpc: received message larger than max (${maxBytes})`,
          ),
        );
    });
    stream.once("close", () => {
      signal.removeEventListener("abort", gone);
      if (!status)
        return reject(new RpcError(unavailable, "the app ended the call without a status"));
      const failure = failureOf(status, seen);
      if (failure) return reject(failure);
      const body = Buffer.concat(chunks, size);
      if (
        body.length < prefixBytes ||
        body[0] !== 0 ||
        body.readUInt32BE(1) !== body.length - prefixBytes
      )
        return reject(
          new RpcError(code.internal, "the app's answer is not a single plain message"),
        );
      resolve({ message: body.subarray(prefixBytes), metadata: seen });
    });
    stream.end(frame(message));
  });
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const ofHttp: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

function requestHeaders(path: string, metadata: HeaderList): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  };
  for (let i = 0; i < metadata.length; i += 2) {
    const name = metadata[i] as string;
    const value = metadata[i + 1] as string;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

function failureOf(status: IncomingHttpHeaders, metadata: HeaderList): RpcError | undefined {
  const number = Number(status["grpc-status"]);
  if (number === code.ok) return undefined;
  const bin = status["grpc-status-details-bin"];
  return new RpcError(
    Number.isInteger(number) && number <= 16 ? number : code.unknown,
    decoded(String(status["grpc-message"] ?? "")),
    typeof bin === "string" ? { metadata, details: Buffer.from(bin, "base64") } : { metadata },
  );
}
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
