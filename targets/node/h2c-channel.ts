import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { createHttp2Pool } from "./http2-pool.ts";
import { converse, readAnswer, requestFields } from "./http2-message.ts";
import { createSlots } from "./slots.ts";

export interface H2cChannelOptions {
  readonly host: string;
  readonly port: number;
  /** Calls in flight; 0 or less means no limit. */
  readonly maxConcurrency: number;
}

/** The app behind an address, over HTTP/2 without TLS (`--app-protocol h2c`). */
export function h2cChannel(options: H2cChannelOptions): AppChannel & AsyncDisposable {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const pool = createHttp2Pool({ authority: `http://${host}:${options.port}` });
  const slots = options.maxConcurrency > 0 ? createSlots(options.maxConcurrency) : undefined;

  async function send(request: PlainRequest, call: CallOptions): Promise<PlainResponse> {
    const { body } = request;
    const stream = await pool.request(requestFields(request), {
      endStream: body === undefined,
    });
    const headers = await converse(stream, body, call, "the app ended the connection");
    return readAnswer(stream, headers);
  }
  return {
    send: slots
      ? async (request, call) => {
          const release = await slots.take(call);
          try {
            return await send(request, call);
          } finally {
            release();
          }
        }
      : send,
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
