import { messageOf } from "#core/errors/component-error.ts";
import type { ClaimedEntry, DueTimes } from "#core/ports/due-times.ts";
import type { Clock, Log } from "#core/ports/platform.ts";

/** The claims in hand, prolonged for as long as they are. */
export interface Holds extends Disposable {
  readonly size: number;
  add(entry: ClaimedEntry, until: number): void;
  delete(entry: ClaimedEntry): void;
}

/**
 * Prolongs what has been held for a third of its time. A claim that is lost (the entry was overwritten or deleted while
 * it ran, often by what it ran) is left alone: what runs is not cut.
 */
export function createHolds(
  store: Pick<DueTimes, "hold">,
  clock: Clock,
  log: Log,
  holdMs: number,
): Holds {
  const held = new Map<string, { readonly entry: ClaimedEntry; until: number; lost?: true }>();
  const ended = new AbortController();
  let timer: (() => void) | undefined;

  const look = (): void => {
    timer = undefined;
    void prolong().finally(() => {
      if (held.size > 0 && !ended.signal.aborted) timer ??= clock.after(holdMs / 3, look);
    });
  };
  async function prolong(): Promise<void> {
    const now = clock.now();
    const old = [...held.values()].filter(
      ({ until, lost }) => !lost && until - now < (2 * holdMs) / 3,
    );
    if (old.length === 0) return;
    const until = now + holdMs;
    try {
      const still = await store.hold(
        old.map(({ entry }) => entry),
        until,
        { signal: ended.signal },
      );
      for (const each of old)
        if (still.has(each.entry.claim)) each.until = until;
        else each.lost = true;
    } catch (reason) {
      if (!ended.signal.aborted) log.debug(`Cannot prolong what is in hand: ${messageOf(reason)}`);
    }
  }
  return {
    get size() {
      return held.size;
    },
    add: (entry, until) => {
      held.set(entry.claim, { entry, until });
      timer ??= clock.after(holdMs / 3, look);
    },
    delete: ({ claim }) => {
      held.delete(claim);
      if (held.size > 0) return;
      timer?.();
      timer = undefined;
    },
    [Symbol.dispose]: () => {
      ended.abort(new Error("The runtime has ended"));
      timer?.();
    },
  };
}
