import { createHash } from "node:crypto";
import type { Pod } from "#k8s/api/objects.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";

/** A pod's API token, and what the runtimes know of it. */
export interface PodToken {
  readonly token: string;
  /** SHA-256 as hexadecimal text. */
  readonly hash: string;
}

const secretBytes = 32;
/** So long after it was made a token may come back for more: the webhook is called again within one admission. */
const freshMs = 120_000;

/** 256 random bits and the second of the making, as base64url. */
export function mintToken(now: number, random: (bytes: number) => Uint8Array): PodToken {
  const bytes = Buffer.alloc(secretBytes + 4);
  bytes.set(random(secretBytes));
  bytes.writeUInt32BE(Math.floor(now / 1000), secretBytes);
  const token = bytes.toString("base64url");
  return { token, hash: hashOf(token) };
}

/**
 * The token that an earlier call of the same admission gave the pod. Only a fresh one counts: a copy of a pod
 * (`kubectl debug --copy-to`, a manifest made from a live pod) must not share the token of its model.
 */
export function keptToken(pod: Pod, now: number): PodToken | undefined {
  const hash = pod.metadata.annotations?.[outriggerAnnotations.tokenHash] ?? "";
  if (!/^[0-9a-f]{64}$/.test(hash)) return undefined;
  for (const container of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])])
    for (const { name, value } of container.env ?? [])
      if (name === "DAPR_API_TOKEN" && value !== undefined && isFresh(value, now))
        if (hashOf(value) === hash) return { token: value, hash };
  return undefined;
}

function isFresh(token: string, now: number): boolean {
  if (!/^[\w-]{48}$/.test(token)) return false;
  const madeAt = Buffer.from(token, "base64url").readUInt32BE(secretBytes) * 1000;
  // Another replica may have made it, and its clock may be ahead.
  return Math.abs(now - madeAt) <= freshMs;
}
function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
