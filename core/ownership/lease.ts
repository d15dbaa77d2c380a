import type { Clock } from "#core/ports/platform.ts";

/** How long something is ours, as we must believe it: not a moment longer than the store does. */
export interface Lease {
  /** Fires with its end. */
  readonly lost: AbortSignal;
  /** False from the moment at which another may have it. */
  isHeld(): boolean;
  /** The store has granted it anew, to a request that was sent at that time (monotonic). */
  prolong(askedAt: number): void;
  end(why: string): void;
}

/** What a lease is taken to be shorter by: a clock may run faster than the store's. */
const marginShare = 10;

export function createLease(
  clock: Pick<Clock, "monotonic" | "after">,
  leaseMs: number,
  askedAt: number,
): Lease {
  const ended = new AbortController();
  let until = 0;
  let cancel: (() => void) | undefined;
  const end = (why: string): void => {
    cancel?.();
    if (!ended.signal.aborted) ended.abort(new Error(why));
  };
  const prolong = (asked: number): void => {
    if (ended.signal.aborted) return;
    until = asked + leaseMs - leaseMs / marginShare;
    cancel?.();
    cancel = clock.after(Math.max(0, until - clock.monotonic()), () => {
      // A timer may be a little early.
      if (isHeld()) prolong(asked);
    });
  };
  const isHeld = (): boolean => {
    if (until > clock.monotonic()) return !ended.signal.aborted;
    end("the lease could not be renewed");
    return false;
  };
  prolong(askedAt);
  return { lost: ended.signal, isHeld, prolong, end };
}
