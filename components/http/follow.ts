import { ComponentError } from "#core/errors/component-error.ts";

export interface Sent {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
}
/** Requests in a chain, the first one included; as many as Go's client makes. */
const maxRequests = 10;

/**
 * Follows redirects as Go's client does: 301, 302 and 303 go on as GET without a body, 307 and 308 as they
 * came. Followed here and not by fetch, which keeps other methods on 301 and 302, so that what authenticates
 * can be held back from another host.
 */
export async function follow(
  fetch: typeof globalThis.fetch,
  url: string,
  sent: Sent,
  secretHeader: string | undefined,
): Promise<Response> {
  let { method, body } = sent;
  let at = url;
  const { headers, signal } = sent;
  for (let requests = 1; ; requests++) {
    const init: RequestInit = { method, headers, redirect: "manual", signal };
    const response = await fetch(
      at,
      body === undefined ? init : { ...init, body: body as NonNullable<RequestInit["body"]> },
    );
    const location = isRedirect(response.status) ? response.headers.get("location") : null;
    if (!location) return response;
    response.body?.cancel().catch(() => {});
    if (requests === maxRequests)
      throw new ComponentError("rejected", `stopped after ${maxRequests} redirects`);
    const next = resolve(location, at);
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
  if (!next) throw new ComponentError("rejected", "the answer redirects to what is no address");
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
function dropSecrets(headers: Headers, secretHeader: string | undefined): void {
  for (const name of ["authorization", "cookie", "proxy-authorization"]) headers.delete(name);
  if (secretHeader !== undefined) headers.delete(secretHeader);
}
