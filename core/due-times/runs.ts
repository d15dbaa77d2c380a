import { messageOf } from "#core/errors/component-error.ts";
import type { ClaimedEntry, DueTimes } from "#core/ports/due-times.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createCompletions } from "./completions.ts";
import type { DueHandler, NextDue } from "./engine.ts";
import { createHolds } from "./holds.ts";

export interface RunsOptions {
  readonly store: DueTimes;
  readonly clock: Clock;
  readonly log: Log;
  readonly holdMs: number;
  /** Entries in hand, at most. */
  readonly most: number;
  /** Those of one queue, about. */
  readonly mostOfQueue: number;
  /** Fires when what runs is to end. */
  readonly ending: AbortSignal;
  /** There is room again, or an entry is due again: worth a look at that time. */
  lookAt(ms: number): void;
}
/** The entries that this process has in hand. */
export interface Runs {
  readonly size: number;
  hasRoom(queue: string): boolean;
  /** Runs a claimed entry, held until then for now; resolves when its claim has ended. Never rejects. */
  start(entry: ClaimedEntry, handler: DueHandler, until: number): Promise<void>;
  /** Gives an entry back that nobody runs. */
  giveBack(entry: ClaimedEntry): void;
  /** Resolves when all of those have gone back. */
  givenBack(): Promise<unknown>;
  /** Waits for what runs, and for its ends; the store is tried for two seconds more, at most. */
  end(): Promise<void>;
}

/** Until an entry is tried again whose handler has failed. */
const againMs = 1000;
/** Data in hand from which on nothing more is taken, in UTF-16 code units. */
const mostText = 64 * 1024 * 1024;

export function createRuns(options: RunsOptions): Runs {
  const { store, clock, log, holdMs, most, mostOfQueue, ending, lookAt } = options;
  const holds = createHolds(store, clock, log, holdMs);
  const completions = createCompletions(store, clock, log);
  const ofQueue = new Map<string, number>();
  const running = new Set<Promise<unknown>>();
  const returns = new Set<Promise<unknown>>();
  let text = 0;

  const hasRoom = (queue: string): boolean =>
    holds.size < most && text < mostText && (ofQueue.get(queue) ?? 0) < mostOfQueue;

  async function run(entry: ClaimedEntry, handler: DueHandler): Promise<void> {
    let next: NextDue | undefined;
    try {
      next = await handler(entry, { signal: ending });
    } catch (reason) {
      const { dueAt, data } = entry;
      if (ending.aborted) next = { dueAt, data };
      else {
        log.error(`Cannot run what is due: ${messageOf(reason)}`, { queue: entry.queue });
        next = { dueAt: clock.now() + againMs, data };
      }
    }
    await completions.add({ entry, next });
    if (next) lookAt(next.dueAt);
  }
  function take({ queue, data }: ClaimedEntry): void {
    text += data.length;
    ofQueue.set(queue, (ofQueue.get(queue) ?? 0) + 1);
  }
  function drop({ queue, data }: ClaimedEntry): void {
    text -= data.length;
    const left = (ofQueue.get(queue) ?? 1) - 1;
    if (left > 0) ofQueue.set(queue, left);
    else ofQueue.delete(queue);
  }
  return {
    get size() {
      return holds.size;
    },
    hasRoom,
    start: (entry, handler, until) => {
      holds.add(entry, until);
      take(entry);
      const work = run(entry, handler).finally(() => {
        const wasFull = !hasRoom(entry.queue);
        holds.delete(entry);
        drop(entry);
        if (wasFull) lookAt(clock.now());
      });
      track(running, work);
      return work;
    },
    giveBack: (entry) => {
      const { dueAt, data } = entry;
      track(returns, completions.add({ entry, next: { dueAt, data } }));
    },
    givenBack: () => Promise.allSettled(returns),
    end: async () => {
      await completions.end(Promise.allSettled([...running, ...returns]));
      holds[Symbol.dispose]();
    },
  };
}

function track(all: Set<Promise<unknown>>, work: Promise<unknown>): void {
  all.add(work);
  void work.finally(() => all.delete(work));
}
