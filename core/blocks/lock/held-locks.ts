import type { Part } from "#core/kernel/part.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { LockStore } from "#core/ports/lock-store.ts";

/** Locks that an app has taken and not given back, for those that are to end with it. */
export interface HeldLocks {
  took(lock: HeldLock, ttlSeconds: number): void;
  gaveBack(lock: HeldLock): void;
  /** Gives back what is held still; what a store refuses expires by itself. */
  close(): Promise<void>;
  /** From here on they end by themselves or by who took them: that one lives on with another runtime. */
  leaveAll(): void;
}
export interface HeldLock {
  readonly port: LockStore;
  /** As the store knows it. */
  readonly resource: string;
  readonly owner: string;
}

/** Locks that end with the app, where it says so; else they expire by themselves, as Dapr's. */
export const heldLocks: Part<HeldLocks> = {
  name: "lock.held",
  create: ({ clock, releasesHeld }) => (releasesHeld ? createHeldLocks(clock) : forgotten),
};
const forgotten: HeldLocks = {
  took: () => {},
  gaveBack: () => {},
  close: async () => {},
  leaveAll: () => {},
};

const releaseMs = 5000;

export function createHeldLocks(clock: Pick<Clock, "now" | "after">): HeldLocks {
  const held = new Map<
    LockStore,
    Map<string, { readonly lock: HeldLock; readonly until: number }>
  >();
  const keyOf = ({ resource, owner }: HeldLock): string => JSON.stringify([resource, owner]);
  function forgetExpired(of: Map<string, { readonly until: number }>): void {
    const now = clock.now();
    for (const [key, { until }] of of) if (until < now) of.delete(key);
  }
  return {
    took: (lock, ttlSeconds) => {
      const of = held.get(lock.port) ?? new Map();
      held.set(lock.port, of);
      // Nobody gives back what has expired: the table must not grow by it.
      if (of.size >= 100) forgetExpired(of);
      of.set(keyOf(lock), { lock, until: clock.now() + ttlSeconds * 1000 });
    },
    gaveBack: (lock) => void held.get(lock.port)?.delete(keyOf(lock)),
    leaveAll: () => held.clear(),
    close: async () => {
      const late = new AbortController();
      const stop = clock.after(releaseMs, () =>
        late.abort(new Error(`No answer within ${releaseMs} ms`)),
      );
      const all = [...held.values()].flatMap((of) => [...of.values()]);
      held.clear();
      await Promise.allSettled(
        all.map(({ lock: { port, resource, owner } }) => port.release(resource, owner, late)),
      );
      stop();
    },
  };
}
