import { KubeError } from "./client.ts";
import { isExpired, retryPause } from "./retry-pause.ts";

/** What comes after a failure. */
export interface WatchRetry {
  readonly pauseMs: number;
  /** The version that was watched from may be what is wrong. */
  readonly listsAgain: boolean;
}
/** The failures of a watch in a row, and what they mean for the next try. */
export interface WatchFailures {
  /** None before this one. */
  readonly isFirst: boolean;
  /** The watch does what it should. */
  reset(): void;
  /** A version is there that has not failed yet. */
  listed(): void;
  /** `isTaken`: the server had taken the watch. */
  next(reason: unknown, isTaken: boolean): WatchRetry;
  /** The pause after a watch that the server has ended without a reason. */
  pauseAfterEnd(): number;
}

/** So often without success, of a server that is there: what is asked for may be what is wrong. */
const mostInVain = 3;

export function createWatchFailures(random: () => number): WatchFailures {
  /** In a row, as are those that say that the version may be what is wrong. */
  let failures = 0;
  let inVain = 0;
  let hasExpired = false;
  return {
    get isFirst() {
      return failures === 0;
    },
    reset: () => {
      failures = 0;
      inVain = 0;
      hasExpired = false;
    },
    listed: () => void (inVain = 0),
    next: (reason, isTaken) => {
      // Who was away for long has waited already when it learns that the past is forgotten.
      const isNews = isExpired(reason) && !hasExpired;
      const pauseMs = retryPause(reason, isNews ? 0 : failures, random);
      failures++;
      hasExpired ||= isExpired(reason);
      // Else it says nothing of the version, and a server in trouble needs nothing less than lists of everybody at once.
      if (isTaken || !isTrouble(reason)) inVain++;
      const listsAgain = isExpired(reason) || isOfTheFuture(reason) || inVain >= mostInVain;
      return { pauseMs, listsAgain };
    },
    pauseAfterEnd: () => retryPause(undefined, failures++, random),
  };
}

/** The server is away, too busy, or cannot tell who we are. */
function isTrouble(reason: unknown): boolean {
  return reason instanceof KubeError && (reason.isTransient || reason.code === 401);
}
/** "Too large resource version": after a restore of etcd. What stands before the server gives no such reason. */
function isOfTheFuture(reason: unknown): boolean {
  return reason instanceof KubeError && reason.code === 504 && reason.reason === "Timeout";
}
