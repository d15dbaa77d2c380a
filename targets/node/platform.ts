import { hash } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import type { Log, Platform } from "#core/ports/platform.ts";
import { clock } from "./clock.ts";
import { createAddressGuard, RefusedAddressError } from "#core/outbound/address-guard.ts";
import { guardedFetch } from "#core/outbound/guarded-fetch.ts";
import { guardedSend } from "#core/outbound/send.ts";
import { guardedLookup } from "./outbound/guarded-lookup.ts";
import { withTls } from "./outbound/client-tls.ts";
import { type ConnectOptions, outsideFetch, outsideSend } from "./outbound/outside.ts";

/** What Node gives the core. Undefined values of the environment stay undefined; nothing is read later. */
export function nodePlatform(
  log: Log,
  env: Readonly<Record<string, string | undefined>>,
): Platform {
  const guard = createAddressGuard(env);
  // The guard sees each URL before a proxy is asked for it.
  const how: ConnectOptions = { lookup: guardedLookup(guard), ...proxiesOf(env) };
  return {
    clock,
    log,
    fetch: guardedFetch(outsideFetch(how), guard),
    send: guardedSend(outsideSend(how), guard),
    sendWith: (tls) => guardedSend(outsideSend(withTls(how, tls)), guard),
    sha256: (text) => hash("sha256", text, "hex"),
    turn: () => setImmediate(),
    loopActiveMs: () => performance.eventLoopUtilization().active,
    env,
    host: { address: env["DAPR_HOST_IP"] ?? firstAddress(), name: hostname() },
    // gRPC's client is a large library, and few ask for it.
    openOtlpGrpc: async (to) => {
      const why = guard.refuseUrl(`http://${to.address}`);
      if (why !== undefined) throw new RefusedAddressError(why);
      return (await import("./metrics/otlp-grpc.ts")).openOtlpGrpc(to);
    },
    binding: () => undefined,
    background: (work) =>
      void work.catch((reason: unknown) => log.error(`Background work failed: ${String(reason)}`)),
  };
}

/** Proxies for what leaves the cluster, on Node's own condition; as there, small letters count more. Calls to apps and other runtimes have pools of their own, without. */
function proxiesOf(
  env: Readonly<Record<string, string | undefined>>,
): Pick<ConnectOptions, "proxies"> {
  if (env["NODE_USE_ENV_PROXY"] !== "1") return {};
  const httpProxy = env["http_proxy"] ?? env["HTTP_PROXY"] ?? "";
  const httpsProxy = env["https_proxy"] ?? env["HTTPS_PROXY"] ?? "";
  const noProxy = env["no_proxy"] ?? env["NO_PROXY"] ?? "";
  return httpProxy + httpsProxy === "" ? {} : { proxies: { httpProxy, httpsProxy, noProxy } };
}

function firstAddress(): string {
  for (const addresses of Object.values(networkInterfaces()))
    for (const { internal, family, address } of addresses ?? [])
      if (!internal && family === "IPv4") return address;
  return "127.0.0.1";
}
