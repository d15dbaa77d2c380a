import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import type { CallOptions } from "#core/ports/component.ts";
import type {
  AppChannel,
  AppRef,
  Clock,
  PlainRequest,
  PlainResponse,
} from "#core/ports/platform.ts";
import type { Http2Pool } from "../http2-pool.ts";
import { converse, readAnswer, requestFields } from "../http2-message.ts";
import { calleeAppId, calleeNamespace, extras, readExtras, refusal } from "./wire.ts";

/** DaprBuiltInServiceRetries. */
const retries = 3;
const retryMs = 1000;

export interface PeerRoute {
  /** A connection to a runtime that hosts the app. Rejects when none is known. */
  connect(to: AppRef, options: CallOptions): Promise<{ readonly pool: Http2Pool; failed(): void }>;
  readonly clock: Clock;
}

/** The app of another process: calls go to the runtime that hosts it. */
export function peerChannel(route: PeerRoute, to: AppRef): AppChannel {
  return {
    send: async (request, options) => {
      const headers = requestHeaders(request, to);
      for (let tries = 0; ; tries++) {
        const { pool, failed } = await route.connect(to, options);
        let stream: ClientHttp2Stream;
        try {
          stream = await pool.request(headers, { endStream: request.body === undefined });
        } catch (reason) {
          failed();
          // Nothing has been sent yet; a stream could still not be sent twice, and Dapr never retries one.
          if (tries === retries || request.body instanceof ReadableStream) throw reason;
          await route.clock.sleep(retryMs, options);
          continue;
        }
        return exchange(stream, request, options);
      }
    },
  };
}

async function exchange(
  stream: ClientHttp2Stream,
  { body }: PlainRequest,
  options: CallOptions,
): Promise<PlainResponse> {
  const headers = await converse(
    stream,
    body,
    options,
    "the connection to the runtime of the app was lost",
  );
  const refused = headers[refusal];
  if (refused !== undefined) {
    stream.close(constants.NGHTTP2_CANCEL);
    throw new Error(decodeURIComponent([refused].flat().join()));
  }
  return { ...(await readAnswer(stream, headers, extras)), ...readExtras(headers) };
}

function requestHeaders(request: PlainRequest, to: AppRef): OutgoingHttpHeaders {
  return { ...requestFields(request), ...calleeHeaders(to) };
}
export function calleeHeaders({ appId, namespace }: AppRef): OutgoingHttpHeaders {
  return { [calleeAppId]: appId, [calleeNamespace]: namespace };
}
