import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { AccessDeniedError } from "#core/access-control/check.ts";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, AppRef, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { cancelStream } from "../channel/http2-cancel.ts";
import type { Http2Pool } from "../channel/http2-pool.ts";
import {
  converse,
  readAnswer,
  RefusedStreamError,
  requestFields,
} from "../listen/http2-message.ts";
import {
  asHttp,
  calleeAppId,
  calleeNamespace,
  dataTypeUrl,
  extras,
  isGrpc,
  readExtras,
  refusal,
  withoutVerb,
} from "./wire.ts";

export interface PeerRoute {
  /** A connection to a runtime that hosts the app. Rejects when none is known. */
  connect(
    to: AppRef,
    options: CallOptions,
    from: AppRef,
  ): Promise<{ readonly pool: Http2Pool; failed(): void }>;
}

const mostTries = 3;

/** The app of another process: calls go to the runtime that hosts it. */
export function peerChannel(route: PeerRoute, to: AppRef, from: AppRef): AppChannel {
  return {
    send: async (request, options) => {
      const headers = requestHeaders(request, to);
      for (let tries = 1; ; tries++) {
        const { pool, failed } = await route.connect(to, options, from);
        let stream: ClientHttp2Stream;
        try {
          stream = await pool.request(headers, { endStream: request.body === undefined });
        } catch (reason) {
          failed();
          // Nothing has been sent yet, so it may be sent again: policies decide.
          throw new ComponentError("unavailable", messageOf(reason), { cause: reason });
        }
        try {
          return await exchange(stream, request, options);
        } catch (reason) {
          // That runtime is ending; the next connection is to the one in its place.
          const isSpent = request.body instanceof ReadableStream || tries === mostTries;
          if (isSpent || !(reason instanceof RefusedStreamError)) throw reason;
        }
      }
    },
  };
}

async function exchange(
  stream: ClientHttp2Stream,
  { body }: PlainRequest,
  options: CallOptions,
): Promise<PlainResponse> {
  const opening = await converse(
    stream,
    body,
    options,
    "the connection to the runtime of the app was lost",
  );
  const { headers } = opening;
  const refused = headers[refusal];
  if (refused !== undefined) {
    cancelStream(stream);
    const why = decodeURIComponent([refused].flat().join());
    throw Number(headers[":status"]) === 403 ? new AccessDeniedError(why) : new Error(why);
  }
  return { ...(await readAnswer(stream, opening, extras)), ...readExtras(headers) };
}

function requestHeaders(request: PlainRequest, to: AppRef): OutgoingHttpHeaders {
  const fields = requestFields(request);
  if (request.method === "") Object.assign(fields, { ":method": "POST", [withoutVerb]: "true" });
  if (isGrpc(fields)) fields[asHttp] = "true";
  if (request.dataTypeUrl !== undefined)
    fields[dataTypeUrl] = encodeURIComponent(request.dataTypeUrl.toWellFormed());
  return Object.assign(fields, calleeHeaders(to));
}
export function calleeHeaders({ appId, namespace }: AppRef): OutgoingHttpHeaders {
  return { [calleeAppId]: appId, [calleeNamespace]: namespace };
}
