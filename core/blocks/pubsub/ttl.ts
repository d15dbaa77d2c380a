import type { Metadata } from "#core/ports/component.ts";
import type { PubSubFeature } from "#core/ports/pub-sub.ts";

const goDuration = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|\u03BCs|ms|s|m|h))+$/;
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|\u03BCs|ms|s|m|h)/g;
const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** The longest Go duration. */
const maxMs = 9_223_372_036_854;

/** When a message ends (RFC 3339, UTC), where nobody but us would end it. */
export function expirationOf(
  metadata: Metadata,
  features: readonly PubSubFeature[],
  now: number,
): string | undefined {
  const ttl = ttlMs(metadata);
  if (ttl === undefined || features.includes("MESSAGE_TTL")) return undefined;
  return rfc3339(now + ttl);
}

/** RFC 3339 in seconds, UTC. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Dapr: `ttl` before `ttlInSeconds`, each a Go duration or whole seconds; what is neither counts as none. */
function ttlMs(metadata: Metadata): number | undefined {
  const text = named(metadata, "ttl") ?? named(metadata, "ttlinseconds");
  if (text === undefined || text === "") return undefined;
  if (goDuration.test(text)) {
    if (text.startsWith("-")) return 0;
    let ms = 0;
    for (const [, amount, unit] of text.matchAll(part))
      ms += Number(amount) * (unitMs[unit as string] as number);
    return ms <= maxMs ? ms : undefined;
  }
  if (text === "0") return 0;
  if (!/^\+?\d{1,19}$/.test(text)) return undefined;
  const ms = Number(text) * 1000;
  return ms > 0 ? Math.min(ms, maxMs) : undefined;
}

function named(metadata: Metadata, lowerCase: string): string | undefined {
  for (const name in metadata)
    if (name.length === lowerCase.length && name.toLowerCase() === lowerCase) return metadata[name];
  return undefined;
}
