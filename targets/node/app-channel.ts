import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
// Not by the library's index, which loads fetch, WebSocket, caches and mocks: 10 MiB and a third of the start.
import Pool from "undici/lib/dispatcher/pool.js";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { AnswerHandler } from "./answer-handler.ts";
import { createWatch } from "./watch.ts";
import { createSlots } from "./slots.ts";
import { counted } from "./streamed.ts";

export interface HttpChannelOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Calls in flight, each until its answer is read; 0 or less means no limit. */
  readonly maxConcurrency: number;
}
/** Dapr's own limit of connections to an app. */
const connections = 1024;

/** The app behind an address, over HTTP/1.1. Undici's pool is driven directly: its promise API costs as much again. */
export function httpChannel(options: HttpChannelOptions): AppChannel & AsyncDisposable {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const pool = new Pool(`${options.tls ? "https" : "http"}://${host}:${options.port}`, {
    connections,
    // Dapr sets no time limit on an app; whoever wants one says so in a resiliency policy.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Dapr: the certificate of an app is not verified.
    connect: { timeout: 15_000, rejectUnauthorized: false },
    keepAliveTimeout: 30_000,
  });
  const slots = options.maxConcurrency > 0 ? createSlots(options.maxConcurrency) : undefined;
  const watch = createWatch();
  const send = (
    request: PlainRequest,
    call: CallOptions,
    release?: () => void,
  ): Promise<PlainResponse> =>
    new Promise((resolve, reject) => {
      const handler = new AnswerHandler(call, resolve, reject, watch, release);
      watch.add(handler);
      try {
        pool.dispatch(dispatchOptions(request), handler);
      } catch (reason) {
        handler.fail(reason);
      }
    });
  return {
    send: slots
      ? async (request, call) => {
          const release = await slots.take(call);
          return send(request, call, release);
        }
      : send,
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

function dispatchOptions(request: PlainRequest): Dispatcher.DispatchOptions {
  const { body } = request;
  return {
    path: request.path,
    method: request.method as Dispatcher.HttpMethod,
    headers: request.headers as string[],
    body: body instanceof ReadableStream ? Readable.from(counted(body)) : (body ?? null),
  };
}
