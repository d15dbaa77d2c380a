import { waitUntil } from "cloudflare:workers";
import type { Platform } from "#core/ports/platform.ts";
import { createAddressGuard } from "#core/outbound/address-guard.ts";
import { guardedFetch } from "#core/outbound/guarded-fetch.ts";
import { clock } from "#targets/_shared/clock.ts";
import { objectLog } from "#targets/_shared/console-log.ts";
import { type Settings, visibleEnv } from "#targets/_shared/settings.ts";
import { peerChannel } from "./app-channel.ts";
import type { WorkerEnv } from "./env.ts";

export function workerPlatform(env: WorkerEnv, settings: Settings): Platform {
  const visible = visibleEnv(env);
  return {
    clock,
    log: objectLog,
    fetch: guardedFetch((input, init) => fetch(input, init), createAddressGuard(visible)),
    env: visible,
    // A Worker has no address; RFC 7239 has this word for it.
    host: { address: "unknown", name: settings.appId },
    peers: peerChannel(env, settings),
    sleepsBetweenRequests: true,
    binding: (name) => env[name],
    background: (work) => waitUntil(work),
  };
}
