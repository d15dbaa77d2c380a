import { hostname } from "node:os";
import type { Log, Platform } from "#core/ports/platform.ts";
import { createAddressGuard } from "#core/outbound/address-guard.ts";
import { guardedFetch } from "#core/outbound/guarded-fetch.ts";
import { clock } from "#targets/_shared/clock.ts";
import { visibleEnv } from "#targets/_shared/settings.ts";

export function functionsPlatform(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Platform {
  const visible = visibleEnv(env);
  return {
    clock,
    log,
    fetch: guardedFetch((input, init) => fetch(input, init), createAddressGuard(visible)),
    env: visible,
    // An instance has no address of its own that others could use; RFC 7239 has this word for it.
    host: { address: "unknown", name: hostname() },
    sleepsBetweenRequests: true,
    binding: () => undefined,
    background: (work) =>
      void work.catch((reason: unknown) => log.error(`Background work failed: ${String(reason)}`)),
  };
}
