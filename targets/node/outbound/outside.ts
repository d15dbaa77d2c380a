import type { LookupFunction } from "node:net";
import type { SendOutside } from "#core/ports/platform.ts";
import { loadOnce } from "../load-once.ts";

/** How connections to addresses outside of the runtime are made. */
export interface ConnectOptions {
  readonly lookup?: LookupFunction;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Absent: every call goes straight to its host. */
  readonly proxies?: Proxies;
}
/** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; empty for what is not set. */
export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** A `fetch` over connections of its own. Its library is loaded with the first call: many processes make none. */
export function outsideFetch(how: ConnectOptions): typeof globalThis.fetch {
  const open = loadOnce(async () => (await import("./open-fetch.ts")).openFetch(how));
  return async (input, init) => (await open())(input, init);
}

/** Sends requests as they are, without what `fetch` adds to each. Loaded as `outsideFetch` is. */
export function outsideSend(how: ConnectOptions): SendOutside {
  const open = loadOnce(async () => (await import("./open-send.ts")).openSend(how));
  return async (request, options) => (await open())(request, options);
}
