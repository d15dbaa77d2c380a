import type { Clock } from "#core/ports/platform.ts";

export interface Writable {
  /** When it is to be written, in `time()`; `undefined`: nothing has changed. */
  dueAt: number | undefined;
}
/** Writes one after the other, each when it is due, and not too many in a row. */
export interface PacedWrites<T extends Writable> {
  setDue(each: T, at: number): void;
  /** Begins no more; resolves when the one under way has ended. */
  stop(): Promise<void>;
}
export interface PacedWritesOptions<T extends Writable> {
  readonly clock: Pick<Clock, "after">;
  /** Monotonic. */
  readonly time: () => number;
  /** Between two writes. */
  readonly paceMs: number;
  /** All that may be due. */
  all(): Iterable<T>;
  /** Never rejects. It is not due any more when this is called. */
  write(each: T): Promise<void>;
}

export function createPacedWrites<T extends Writable>({
  clock,
  time,
  paceMs,
  all,
  write,
}: PacedWritesOptions<T>): PacedWrites<T> {
  let nextAt = -Infinity;
  let writing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  /** When `cancel` is no more: what is due later need not be looked for. */
  let timerAt: number | undefined;
  let isStopped = false;

  function schedule(): void {
    if (writing !== undefined || isStopped) return;
    cancel?.();
    cancel = undefined;
    timerAt = undefined;
    let next: T | undefined;
    for (const each of all())
      if (each.dueAt !== undefined && (next?.dueAt === undefined || each.dueAt < next.dueAt))
        next = each;
    if (next?.dueAt === undefined) return;
    const wait = Math.max(next.dueAt, nextAt) - time();
    if (wait > 0) {
      timerAt = time() + wait;
      cancel = clock.after(wait, schedule);
      return;
    }
    next.dueAt = undefined;
    writing = write(next).finally(() => {
      writing = undefined;
      nextAt = time() + paceMs;
      schedule();
    });
  }
  return {
    setDue: (each, at) => {
      each.dueAt = at;
      if (timerAt === undefined || at < timerAt) schedule();
    },
    stop: async () => {
      isStopped = true;
      cancel?.();
      await writing;
    },
  };
}
