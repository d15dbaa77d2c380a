import type { ClientHttp2Stream } from "node:http2";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { createHttp2Pool } from "./http2-pool.ts";
import { converse, readAnswer, requestFields } from "../listen/http2-message.ts";
import { createSemaphore } from "../semaphore.ts";

export interface H2cChannelOptions {
  readonly host: string;
  readonly port: number;
  /** Calls in flight, each until its answer is read; 0 or less means no limit. */
  readonly maxConcurrency: number;
  /** Bytes of headers that an answer may have (`read-buffer-size`); below 64 KiB it may have those. */
  readonly maxHeaderBytes: number;
}
const leastHeaderBytes = 65_535;

/** The app behind an address, over HTTP/2 without TLS (`--app-protocol h2c`). */
export function h2cChannel(options: H2cChannelOptions): AppChannel & AsyncDisposable {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const pool = createHttp2Pool({
    authority: `http://${host}:${options.port}`,
    maxHeaderBytes: Math.max(options.maxHeaderBytes, leastHeaderBytes),
  });
  const slots = options.maxConcurrency > 0 ? createSemaphore(options.maxConcurrency) : undefined;

  async function send(
    request: PlainRequest,
    call: CallOptions,
    release: () => void = () => {},
  ): Promise<PlainResponse> {
    let stream: ClientHttp2Stream;
    try {
      stream = await pool.request(requestFields(request), {
        endStream: request.body === undefined,
      });
    } catch (reason) {
      release();
      throw reason;
    }
    stream.once("close", release);
    const opening = await converse(stream, request.body, call, "the app ended the connection");
    return readAnswer(stream, opening);
  }
  return {
    send: slots
      ? async (request, call) => send(request, call, await slots.take(call))
      : (request, call) => send(request, call),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
