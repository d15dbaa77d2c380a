import type { Clock } from "#core/ports/platform.ts";

/** Slows down who guesses tokens. Good tokens are never refused by it, whoever sends them. */
export interface BadTokens {
  /** One more bad token of that peer; true when it has had too many. A peer without an address is not counted. */
  isTooMany(peer: string | undefined): boolean;
}

const perSecond = 10;
const burst = 20;
/** Peers that are remembered; the one not seen for longest goes. */
const mostPeers = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/** One for each process: a token bucket for each peer. */
export function createBadTokens(clock: Pick<Clock, "now">): BadTokens {
  const buckets = new Map<string, Bucket>();
  return {
    isTooMany: (peer) => {
      if (peer === undefined) return false;
      const now = clock.now();
      const bucket = buckets.get(peer) ?? { left: burst, at: now };
      buckets.delete(peer);
      buckets.set(peer, bucket);
      if (buckets.size > mostPeers) buckets.delete(buckets.keys().next().value as string);
      bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
      bucket.at = now;
      if (bucket.left < 1) return true;
      bucket.left--;
      return false;
    },
  };
}
