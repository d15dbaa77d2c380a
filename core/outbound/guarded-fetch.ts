import { type AddressGuard, refuseUrl } from "./address-guard.ts";

const mostRedirects = 10;
const secrets = ["authorization", "cookie", "proxy-authorization"];

/** A `fetch` that asks the guard before each request, also before those that a redirect asks for. */
export function guardedFetch(
  fetch: typeof globalThis.fetch,
  guard: AddressGuard,
): typeof globalThis.fetch {
  return async (input, init) => {
    const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
    refuseUrl(guard, url);
    // Whoever follows by hand asks again.
    if (init?.redirect === "manual" || init?.redirect === "error") return fetch(input, init);
    return following(fetch, guard, url, input, init);
  };
}

/** What fetch would do by itself, each step looked at: a redirect must not lead where a request may not. */
async function following(
  fetch: typeof globalThis.fetch,
  guard: AddressGuard,
  url: string,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> {
  let next = init ?? {};
  let response = await fetch(input, { ...next, redirect: "manual" });
  let at = url;
  for (let i = 0; i < mostRedirects; i++) {
    const location = isRedirect(response.status) ? response.headers.get("location") : null;
    if (location === null) return response;
    await response.body?.cancel().catch(() => {});
    const to = URL.parse(location, at);
    if (!to || !/^https?:$/.test(to.protocol))
      throw new TypeError("redirected to an address that is not HTTP");
    refuseUrl(guard, to.href);
    next = redirected(next, response.status, to.origin !== new URL(at).origin);
    at = to.href;
    response = await fetch(at, { ...next, redirect: "manual" });
  }
  throw new TypeError(`stopped after ${mostRedirects} redirects`);
}

function redirected(init: RequestInit, status: number, elsewhere: boolean): RequestInit {
  const headers = new Headers(init.headers);
  if (elsewhere) for (const name of secrets) headers.delete(name);
  const method = (init.method ?? "GET").toUpperCase();
  const becomesGet = (status === 303 && method !== "HEAD") || (status < 303 && method === "POST");
  if (!becomesGet) return { ...init, headers };
  const { body: _, ...rest } = init;
  headers.delete("content-type");
  headers.delete("content-length");
  return { ...rest, method: "GET", headers };
}

function isRedirect(status: number): boolean {
  return (status >= 301 && status <= 303) || status === 307 || status === 308;
}
