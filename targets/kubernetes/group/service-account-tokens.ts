import type { JWTPayload } from "jose";
import { hash } from "node:crypto";
import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { ClusterKeys } from "./cluster-keys.ts";
import type { SupervisorLink } from "./supervisor-link.ts";
import type { TokenReader } from "./pod-authentication.ts";

export interface TokenOptions {
  readonly audience: string;
  /** A token of a pod of another node is no use here; empty: of any node. */
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}
/** Of jose, for a token signed with a key that is none of the set's. */
const unknownKeyCode = "ERR_JWKS_NO_MATCHING_KEY";
const mostKnown = 10_000;
const mostChars = 16_384;
const keysMs = 10 * 60_000;
const cooldownMs = 5000;
const reviewAgainMs = 60_000;
/** After keys could not be had: nobody's tokens make a flood of requests. */
const retryMs = 1000;
/** What is known of tokens outlives the API server; new keys do not. */
const skewSeconds = 30;

interface Known {
  readonly podUid: string;
  readonly until: number;
}

/**
 * Reads projected service-account tokens: signed by the cluster, for our audience, bound to a pod of this node. The
 * API server is asked once for each token, after it is let in: what it has revoked stops counting.
 */
export function createTokenReader(
  link: Pick<SupervisorLink, "ask">,
  { audience, nodeName, clock, log }: TokenOptions,
): TokenReader {
  const known = new Map<string, Known>();
  /** Until when it is not asked about again. */
  const revoked = new Map<string, number>();
  let keys: ClusterKeys | undefined;
  let fetchedAt = -Infinity;
  let fetching: Promise<void> | undefined;

  function fetchKeys(): Promise<void> {
    return (fetching ??= (async () => {
      fetchedAt = clock.now();
      try {
        const answer = await link.ask("jwks", {});
        // 8 MiB that only those pay who show such a token.
        const { clusterKeys } = await import("./cluster-keys.ts");
        keys = clusterKeys(answer);
      } catch (reason) {
        log.warn(`Cannot read the cluster's keys: ${messageOf(reason)}`);
      } finally {
        fetching = undefined;
      }
    })());
  }
  async function verified(token: string): Promise<JWTPayload | undefined> {
    const age = clock.now() - fetchedAt;
    if (!keys) await (age > retryMs ? fetchKeys() : fetching);
    // Those that are known count until there are newer ones: nobody waits for them.
    else if (age > keysMs) void fetchKeys();
    for (let i = 0; i < 2; i++) {
      if (!keys) throw new Error("the cluster's keys are not known yet");
      try {
        return await keys.verify(token, audience, clock.now());
      } catch (reason) {
        const isUnknownKey = (reason as { code?: unknown }).code === unknownKeyCode;
        // Keys that were rotated; asked for at most once in a while, whatever tokens come.
        if (!isUnknownKey || clock.now() - fetchedAt < cooldownMs) return undefined;
        await fetchKeys();
      }
    }
    return undefined;
  }
  function review(id: string, token: string, { podUid, until }: Known): void {
    link.ask("review", { token }).then(
      ({ isGood }) => {
        if (isGood) return;
        known.delete(id);
        keep(revoked, id, clock.now() + reviewAgainMs);
        log.warn("A service account token is no longer valid: the API server does not know it");
      },
      // Nobody to ask: the signature and the pod still count, until it is asked again.
      () => {
        const soon = Math.min(until, clock.now() + reviewAgainMs);
        if (known.has(id)) known.set(id, { podUid, until: soon });
      },
    );
  }
  async function isGoodAfterAll(id: string, token: string): Promise<boolean> {
    // Nobody else asks meanwhile.
    keep(revoked, id, clock.now() + reviewAgainMs);
    const isGood = await link.ask("review", { token }).then(
      (answer) => answer.isGood,
      () => false,
    );
    if (isGood) revoked.delete(id);
    return isGood;
  }
  return async (token) => {
    if (token.length > mostChars || !isJwt(token)) return undefined;
    const id = hash("sha256", token, "hex");
    const now = clock.now();
    const found = known.get(id);
    if (found && now < found.until) return found;
    const refusedUntil = revoked.get(id) ?? 0;
    if (now < refusedUntil) return undefined;
    const payload = await verified(token);
    const podUid = payload && podOf(payload, nodeName);
    if (podUid === undefined) return undefined;
    const until = (payload?.exp as number) * 1000 + skewSeconds * 1000;
    const entry = { podUid, until };
    // An API server in trouble says the same of a good token as of a bad one: it may take back what it said.
    if (refusedUntil > 0 && !(await isGoodAfterAll(id, token))) return undefined;
    keep(known, id, entry);
    if (refusedUntil === 0) review(id, token, entry);
    return entry;
  };
}

function keep<V>(map: Map<string, V>, id: string, value: V): void {
  map.set(id, value);
  if (map.size > mostKnown) map.delete(map.keys().next().value as string);
}
function isJwt(token: string): boolean {
  if (token.split(".").length !== 3) return false;
  try {
    const head = Buffer.from(token.slice(0, token.indexOf(".")), "base64url").toString("utf8");
    return typeof (JSON.parse(head) as { readonly alg?: unknown } | null)?.alg === "string";
  } catch {
    return false;
  }
}

/** The pod that a token is bound to, unless it is on another node. */
function podOf(payload: JWTPayload, nodeName: string): string | undefined {
  const claims = payload["kubernetes.io"] as
    | { readonly pod?: { readonly uid?: unknown }; readonly node?: { readonly name?: unknown } }
    | undefined;
  const uid = claims?.pod?.uid;
  const node = claims?.node?.name;
  if (typeof uid !== "string" || uid === "") return undefined;
  return nodeName === "" || node === undefined || node === nodeName ? uid : undefined;
}
