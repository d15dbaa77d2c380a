import type { Clock } from "#core/ports/platform.ts";

/** Messages at the app, until they are acknowledged or given up. */
export interface Delivery {
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
  /** True once it has taken too long: the messages may be with somebody else by now. */
  readonly isLate: boolean;
}
/** All deliveries of one subscription. */
export interface Deliveries {
  /** Resolves once the work is done, or has taken too long; then it goes on by itself. The work never rejects. */
  run(ids: readonly string[], work: (delivery: Delivery) => Promise<void>): Promise<void>;
  /** Looks after those that take too long, until the signal fires. */
  watch(signal: AbortSignal): Promise<void>;
  /** Resolves once none is under way. */
  idle(): Promise<void>;
  /** Ends all that are under way. */
  end(reason: Error): void;
}
export interface DeliveriesOptions {
  /** What takes longer is late. */
  readonly timeoutMs: number;
  /** Late deliveries beyond these end, the oldest first. */
  readonly mostLate: number;
  readonly clock: Clock;
  /** Hears once of each that is late. */
  late(delivery: Delivery): void;
}

interface Running extends Delivery {
  isLate: boolean;
  readonly since: number;
  readonly abort: AbortController;
  /** Lets who waits for it go on. */
  release(): void;
}

export function createDeliveries({
  timeoutMs,
  mostLate,
  clock,
  late: tell,
}: DeliveriesOptions): Deliveries {
  /** Both in the order of their beginnings. */
  const waitedFor = new Set<Running>();
  const late = new Set<Running>();
  /** Signals that have not fired serve again: what listens to them is made once. */
  const spare: AbortController[] = [];
  let idle: Array<() => void> = [];

  function over(delivery: Running): void {
    waitedFor.delete(delivery);
    late.delete(delivery);
    if (!delivery.signal.aborted) spare.push(delivery.abort);
    delivery.release();
    if (waitedFor.size + late.size > 0) return;
    for (const resolve of idle) resolve();
    idle = [];
  }
  function toLate(delivery: Running): void {
    waitedFor.delete(delivery);
    late.add(delivery);
    delivery.isLate = true;
    tell(delivery);
    delivery.release();
    const [oldest] = late;
    if (late.size > mostLate) oldest?.abort.abort(new Error(`not answered within ${timeoutMs} ms`));
  }
  /** Moves what is late; when to look again. */
  function sweep(): number {
    const now = clock.now();
    for (const delivery of waitedFor) {
      const due = delivery.since + timeoutMs;
      if (due > now) return due - now;
      toLate(delivery);
    }
    return timeoutMs;
  }

  return {
    run: (ids, work) =>
      new Promise((release) => {
        const abort = spare.pop() ?? new AbortController();
        const { signal } = abort;
        const since = clock.now();
        const delivery: Running = { ids, signal, isLate: false, since, abort, release };
        waitedFor.add(delivery);
        void work(delivery).then(() => over(delivery));
      }),
    watch: async (signal) => {
      while (!signal.aborted) await clock.sleep(sweep(), { signal }).catch(() => {});
    },
    idle: () =>
      new Promise((resolve) => {
        if (waitedFor.size + late.size === 0) resolve();
        else idle.push(resolve);
      }),
    end: (reason) => {
      for (const { abort } of [...waitedFor, ...late]) abort.abort(reason);
    },
  };
}
