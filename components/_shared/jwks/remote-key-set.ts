import { messageOf } from "#core/errors/component-error.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import type { Host } from "#core/ports/manifest.ts";
import { collect } from "#core/util/bounded-read.ts";
import { within } from "#core/util/time-limit.ts";
import { type KeySet, maxBytes, parseKeySet } from "./key-set.ts";

export interface RemoteOptions {
  readonly timeoutMs: number;
  readonly minRefreshMs: number;
}

/** A set from a URL: fetched now, and again by whoever needs it once it is old. A set that cannot be fetched again stays. */
export async function remoteKeySet(
  url: string,
  host: Host,
  closed: AbortSignal,
  { timeoutMs, minRefreshMs }: RemoteOptions,
): Promise<KeySet> {
  const { clock, log } = host;
  const fetchKeys = async (): Promise<readonly Jwk[]> => {
    try {
      return parseKeySet(
        await within(clock, timeoutMs, { signal: closed }, ({ signal }) =>
          fetchText(host, url, signal),
        ),
      );
    } catch (reason) {
      throw new Error(`failed to fetch JWKS: ${messageOf(reason)}`, { cause: reason });
    }
  };
  if (url.startsWith("http:"))
    log.warn("The key set comes over HTTP without TLS; do not use that in production");
  let keys = await fetchKeys();
  let triedAt = clock.now();
  let refreshing: Promise<void> | undefined;
  const refresh = async (): Promise<void> => {
    try {
      keys = await fetchKeys();
    } catch (reason) {
      log.warn(`The key set stays as it is: ${messageOf(reason)}`);
    }
    triedAt = clock.now();
    refreshing = undefined;
  };
  return async () => {
    if (clock.now() - triedAt >= minRefreshMs) await (refreshing ??= refresh());
    return keys;
  };
}

async function fetchText(host: Host, url: string, signal: AbortSignal): Promise<string> {
  const response = await host.fetch(url, { signal, headers: { accept: "application/json" } });
  if (response.status !== 200) {
    void response.body?.cancel().catch(() => {});
    throw new Error(`the server answered ${response.status}`);
  }
  return new TextDecoder().decode(await collect(response.body, maxBytes));
}
