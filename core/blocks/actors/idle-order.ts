import type { Clock } from "#core/ports/platform.ts";

/** Whatever falls idle when it has not been used for some time. */
export interface Idling {
  readonly id: string;
  /** By the clock. */
  usedAt: number;
}

/** Things by id, in the order of their last use: one timer finds all that have been idle for so long. */
export interface IdleOrder<T extends Idling> {
  readonly size: number;
  get(id: string): T | undefined;
  add(each: T): void;
  /** It is used now. */
  used(each: T): void;
  delete(each: T): void;
  values(): Iterable<T>;
  stop(): void;
}

/** `idle` hears of what has been idle; what it leaves in place is looked at again after as long a time. */
export function createIdleOrder<T extends Idling>(
  idleMs: number,
  clock: Pick<Clock, "now" | "after">,
  idle: (each: T) => void,
): IdleOrder<T> {
  const order = new Map<string, T>();
  let timer: (() => void) | undefined;
  let isStopped = false;

  function arm(): void {
    const [first] = order.values();
    if (timer || isStopped || !first) return;
    timer = clock.after(Math.max(1, first.usedAt + idleMs - clock.now()), look);
  }
  function look(): void {
    timer = undefined;
    const now = clock.now();
    for (const each of order.values()) {
      if (each.usedAt + idleMs > now) break;
      used(each);
      idle(each);
    }
    arm();
  }
  function used(each: T): void {
    each.usedAt = clock.now();
    order.delete(each.id);
    order.set(each.id, each);
  }
  return {
    get size() {
      return order.size;
    },
    get: (id) => order.get(id),
    add: (each) => {
      order.set(each.id, each);
      arm();
    },
    used,
    delete: (each) => {
      if (order.get(each.id) === each) order.delete(each.id);
    },
    values: () => order.values(),
    stop: () => {
      isStopped = true;
      timer?.();
    },
  };
}
