/** How pauses grow from one failure to the next. */
export interface Pauses {
  /** The first and the longest, in milliseconds, jitter aside. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** How many times as long as the one before each is. Default: 2. */
  readonly factor?: number;
  /** Each is at random so many times as long, from the least to the most, so that not everybody tries at once. Default: neither longer nor shorter. */
  readonly jitter?: readonly [least: number, most: number];
}

/** The pauses of somebody who tries again and again. */
export interface Backoff {
  /** Milliseconds until the next try. */
  next(): number;
  /** It has worked: the next pause is the first one again. */
  reset(): void;
}

export function createBackoff(pauses: Pauses, random?: () => number): Backoff {
  let failures = 0;
  return {
    next: () => pauseAfter(failures++, pauses, random),
    reset: () => {
      failures = 0;
    },
  };
}

/** Past this the longest pause is reached, and the number would overflow one day. */
const mostSteps = 64;

/** One pause, for those who count for themselves: `failures` in a row before this one. */
export function pauseAfter(
  failures: number,
  { firstMs, longestMs, factor = 2, jitter }: Pauses,
  random: () => number = Math.random,
): number {
  const ms = Math.min(longestMs, firstMs * factor ** Math.min(failures, mostSteps));
  if (!jitter) return ms;
  const [least, most] = jitter;
  return ms * (least + (most - least) * random());
}
