import type { PipelineRequest } from "#core/ports/http-middleware.ts";
import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";

/** A message as the guest sees and changes it. */
export interface GuestMessage {
  headers: HeaderList;
  /** Undefined while nobody has read it: then the message goes on with the body it came with. */
  body: Uint8Array | undefined;
  /** True once the guest has written a body of its own. */
  written: boolean;
  /** How much of the body the guest has read. */
  readAt: number;
}

/** One request and its response, while a guest works on them. */
export interface Exchange {
  readonly request: GuestMessage & { method: string; path: string };
  readonly response: GuestMessage & { status: number };
  readonly remoteAddress: string | undefined;
  /** True once the next handler has answered: the request cannot be changed any more. */
  answered: boolean;
  /** Bits of the interface's features that are on for this exchange. */
  features: number;
  readonly mostBytes: number;
}

export function exchangeFor(
  request: PipelineRequest,
  body: Uint8Array | undefined,
  features: number,
): Exchange {
  const fresh = { written: false, readAt: 0 };
  return {
    request: {
      ...fresh,
      method: request.method,
      path: request.path,
      headers: request.headers,
      body,
    },
    response: { ...fresh, status: 200, headers: [], body: undefined },
    remoteAddress: request.remoteAddress,
    answered: false,
    features,
    mostBytes: request.maxBodyBytes,
  };
}

/** The request that goes on; the one that came when the guest has changed nothing. */
export function changedRequest(
  given: PipelineRequest,
  { request }: Exchange,
  wasRead: boolean,
): PipelineRequest {
  const { method, path, headers, body, written } = request;
  const same =
    method === given.method && path === given.path && headers === given.headers && !written;
  if (same && !wasRead) return given;
  return {
    ...given,
    method,
    path,
    headers,
    ...(wasRead || written ? { body: body ?? empty } : {}),
  };
}
const empty = new Uint8Array(0);

/** The guest's own answer, or the next handler's as the guest has changed it. */
export function changedResponse(
  { response }: Exchange,
  next: PlainResponse | undefined,
): PlainResponse {
  const { status, headers, body } = response;
  if (next && body === undefined) return { ...next, status, headers };
  return body === undefined || body.length === 0 ? { status, headers } : { status, headers, body };
}
