import { fetch } from "undici";
import { openAgent } from "./open-agent.ts";
import type { ConnectOptions } from "./outside.ts";

/** A file of its own, since the library is large and loaded when needed. */
export function openFetch(how: ConnectOptions): typeof globalThis.fetch {
  const dispatcher = openAgent(how);
  return ((input: string, init?: RequestInit) =>
    fetch(input, { ...(init as object), dispatcher })) as unknown as typeof globalThis.fetch;
}
