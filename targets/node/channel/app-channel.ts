// Not by the library's index, which loads fetch, WebSocket, caches and mocks: 10 MiB and a third of the start.
import Pool from "undici/lib/dispatcher/pool.js";
import type { AppChannel } from "#core/ports/platform.ts";
import { dispatchBy, dispatchOptions } from "./dispatch.ts";
import { passInterimResponses } from "./interim-responses.ts";
import { createSemaphore } from "../semaphore.ts";

export interface HttpChannelOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Calls in flight, each until its answer is read; 0 or less means no limit. */
  readonly maxConcurrency: number;
  /** Bytes of headers that an answer may have (`read-buffer-size`); below 16 KiB it may have those. */
  readonly maxHeaderBytes: number;
}
/** Dapr's own limit of connections to an app. */
const connections = 1024;
const leastHeaderBytes = 16 * 1024;

/** The app behind an address, over HTTP/1.1. */
export function httpChannel(options: HttpChannelOptions): AppChannel & AsyncDisposable {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const pool = new Pool(`${options.tls ? "https" : "http"}://${host}:${options.port}`, {
    connections,
    // Dapr sets no time limit on an app; whoever wants one says so in a resiliency policy.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: Math.max(options.maxHeaderBytes, leastHeaderBytes),
    // Dapr: the certificate of an app is not verified.
    connect: { timeout: 15_000, rejectUnauthorized: false },
    keepAliveTimeout: 30_000,
  });
  passInterimResponses(pool);
  const slots = options.maxConcurrency > 0 ? createSemaphore(options.maxConcurrency) : undefined;
  // Dapr: an answer that is shorter than it says is an answer all the same.
  const dispatch = dispatchBy(pool, true);
  return {
    send: slots
      ? async (request, call) => {
          const release = await slots.take(call);
          return dispatch(dispatchOptions(request.path, request), call, release);
        }
      : (request, call) => dispatch(dispatchOptions(request.path, request), call),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}
