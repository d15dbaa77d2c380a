import { ComponentError } from "#core/errors/component-error.ts";
import type { PlainResponse, SendOutside } from "#core/ports/platform.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import { headerOf } from "#core/util/header-list.ts";
import { textOfBytes } from "#core/util/header-value.ts";
import type { RequestHeaders } from "./request-headers.ts";

export interface Sent {
  readonly method: string;
  readonly headers: RequestHeaders;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
}
/** Requests in a chain, the first one included; as many as Go's client makes. */
const maxRequests = 10;

/**
 * Follows redirects as Go's client does: 301, 302 and 303 go on as GET without a body, 307 and 308 as they
 * came; what authenticates is held back from another host.
 */
export async function follow(
  send: SendOutside,
  url: string,
  sent: Sent,
  secretHeader: string | undefined,
): Promise<PlainResponse> {
  let { method, body } = sent;
  let at = url;
  const { headers, signal } = sent;
  for (let requests = 1; ; requests++) {
    const request = { url: at, method, headers: [...headers].flat() };
    const response = await send(body === undefined ? request : { ...request, body }, { signal });
    const location = isRedirect(response.status) && headerOf(response.headers, "location");
    if (!location) return response;
    discard(response);
    if (requests === maxRequests)
      throw new ComponentError("rejected", `stopped after ${maxRequests} redirects`);
    const next = resolve(textOfBytes(location), at);
    if (!isWithin(next.hostname, new URL(url).hostname)) dropSecrets(headers, secretHeader);
    if (response.status < 307) {
      if (method !== "HEAD") method = "GET";
      body = undefined;
      headers.delete("content-type");
    }
    at = next.href;
  }
}

function isRedirect(status: number): boolean {
  return (status >= 301 && status <= 303) || status === 307 || status === 308;
}

function resolve(location: string, from: string): URL {
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (!next) throw new ComponentError("rejected", "the answer redirects to what is not an address");
  if (next.protocol !== "http:" && next.protocol !== "https:")
    throw new ComponentError(
      "rejected",
      `the answer redirects to an address with ${next.protocol}, not http or https`,
    );
  next.username = "";
  next.password = "";
  return next;
}

/** The same host, or one below it. */
function isWithin(host: string, of: string): boolean {
  return host === of || (host.endsWith(`.${of}`) && !/[:\]]|^[\d.]+$/.test(of));
}
function dropSecrets(headers: RequestHeaders, secretHeader: string | undefined): void {
  for (const name of ["authorization", "cookie", "proxy-authorization"]) headers.delete(name);
  if (secretHeader !== undefined) headers.delete(secretHeader.toLowerCase());
}
