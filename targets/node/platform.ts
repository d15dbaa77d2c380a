import { hostname, networkInterfaces } from "node:os";
import type { Log, Platform } from "#core/ports/platform.ts";
import { clock } from "./clock.ts";

/** What Node gives the core. Undefined values of the environment stay undefined; nothing is read later. */
export function nodePlatform(
  log: Log,
  env: Readonly<Record<string, string | undefined>>,
  fetch: typeof globalThis.fetch,
): Platform {
  return {
    clock,
    log,
    fetch,
    env,
    host: { address: env["DAPR_HOST_IP"] ?? firstAddress(), name: hostname() },
    binding: () => undefined,
    background: (work) =>
      void work.catch((reason: unknown) => log.error(`Background work failed: ${String(reason)}`)),
  };
}

function firstAddress(): string {
  for (const addresses of Object.values(networkInterfaces()))
    for (const { internal, family, address } of addresses ?? [])
      if (!internal && family === "IPv4") return address;
  return "127.0.0.1";
}
