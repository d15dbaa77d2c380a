import type { Dispatcher } from "undici";
import Agent from "undici/lib/dispatcher/agent.js";
import EnvHttpProxyAgent from "undici/lib/dispatcher/env-http-proxy-agent.js";
import type { ConnectOptions } from "./outside.ts";

/** Connections to any address, straight or by a proxy. */
export function openAgent(
  { proxies, ...connect }: ConnectOptions,
  options: Readonly<Record<string, unknown>> = {},
): Dispatcher {
  // Texts for all three: the library reads what is not given from the environment, with each call.
  // The lookup is for hosts that no proxy stands before, so that the proxy itself may have any address. It alone
  // resolves the others: their names may mean nothing here, and asking for them would take a while to fail.
  return proxies
    ? new EnvHttpProxyAgent({ ...options, ...proxies, connect, requestTls: connect })
    : new Agent({ ...options, connect });
}
