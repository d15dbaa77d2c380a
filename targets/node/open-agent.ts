import { Agent, EnvHttpProxyAgent, fetch } from "undici";
import type { ConnectOptions } from "./tls-fetch.ts";

/** The library's `fetch` over connections of its own. A file of its own, since it is large and loaded when needed. */
export function openAgent({ proxies, ...connect }: ConnectOptions): typeof globalThis.fetch {
  // Texts for all three: the library reads what is not given from the environment, with each call.
  // The lookup is for hosts that no proxy stands before, so that the proxy itself may have any address. It alone
  // resolves the others: their names may mean nothing here, and asking for them would take a while to fail.
  const dispatcher = proxies
    ? new EnvHttpProxyAgent({ ...proxies, connect, requestTls: connect })
    : new Agent({ connect });
  return ((input: string, init?: RequestInit) =>
    fetch(input, { ...(init as object), dispatcher })) as unknown as typeof globalThis.fetch;
}
