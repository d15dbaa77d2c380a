import type { OutsideRequest, PlainResponse, SendOutside } from "#core/ports/platform.ts";
import { type AddressGuard, refuseUrl } from "./address-guard.ts";

/** The platform's own way to send, or one made of its fetch. */
export function senderOf({
  send,
  fetch,
}: {
  readonly send?: SendOutside;
  readonly fetch: typeof globalThis.fetch;
}): SendOutside {
  return send ?? ((request, options) => sendByFetch(fetch, request, options.signal));
}

/** Asks the guard before each request. */
export function guardedSend(send: SendOutside, guard: AddressGuard): SendOutside {
  return async (request, options) => {
    refuseUrl(guard, request.url);
    return send(request, options);
  };
}

async function sendByFetch(
  fetch: typeof globalThis.fetch,
  { url, method, headers: list, body }: OutsideRequest,
  signal: AbortSignal,
): Promise<PlainResponse> {
  const headers = new Headers();
  for (let i = 0; i < list.length; i += 2) headers.append(list[i] as string, list[i + 1] as string);
  const response = await fetch(url, {
    method,
    headers,
    redirect: "manual",
    signal,
    ...(body === undefined ? {} : { body: body as BodyInit, duplex: "half" }),
  } as RequestInit);
  const answer = { status: response.status, headers: listOf(response.headers) };
  return response.body ? { ...answer, body: response.body } : answer;
}

/** fetch has already undone the encoding, so the header that names it must not be passed on. */
function listOf(headers: Headers): string[] {
  const out: string[] = [];
  const isDecoded = headers.has("content-encoding");
  for (const [name, value] of headers) {
    if (name === "set-cookie" || name === "content-encoding") continue;
    if (name !== "content-length" || !isDecoded) out.push(name, value);
  }
  for (const cookie of headers.getSetCookie()) out.push("set-cookie", cookie);
  return out;
}
