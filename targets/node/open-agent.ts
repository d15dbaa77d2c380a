import { Agent, fetch } from "undici";
import type { ConnectOptions } from "./tls-fetch.ts";

/** The library's `fetch` over connections of its own. A file of its own, since it is large and loaded when needed. */
export function openAgent(connect: ConnectOptions): typeof globalThis.fetch {
  const dispatcher = new Agent({ connect });
  return ((input: string, init?: RequestInit) =>
    fetch(input, { ...(init as object), dispatcher })) as unknown as typeof globalThis.fetch;
}
