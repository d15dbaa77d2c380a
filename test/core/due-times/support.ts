import { createDueTimes } from "#components/in-memory/due-times.ts";
import {
  createDueTimeEngine,
  type DueTimeEngine,
  type DueTimeEngineOptions,
} from "#core/due-times/engine.ts";
import type { DueEntry, DueTimes } from "#core/ports/due-times.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { type KeptLog, keptLog } from "#test/support/kept-log.ts";

/** A store whose calls are counted, and which can be made to fail. */
export interface WatchedStore extends DueTimes {
  readonly calls: string[];
  /** While it is set, every call rejects with it. */
  outage: Error | undefined;
}

export function watchedStore(store: DueTimes = createDueTimes()): WatchedStore {
  const calls: string[] = [];
  const watched: WatchedStore = { ...store, calls, outage: undefined };
  for (const name of Object.keys(store) as ReadonlyArray<keyof DueTimes>) {
    const run = store[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(watched, {
      [name]: async (...args: unknown[]) => {
        calls.push(name);
        if (watched.outage) throw watched.outage;
        return run(...args);
      },
    });
  }
  return watched;
}

export interface TestEngine {
  readonly engine: DueTimeEngine;
  readonly store: WatchedStore;
  readonly clock: FakeClock;
  readonly log: KeptLog;
  /** Puts an entry that is due in so many milliseconds. */
  put(queue: string, name: string, inMs?: number, data?: string): Promise<void>;
  get(queue: string, name: string): Promise<DueEntry | undefined>;
}
export const call = { signal: new AbortController().signal };

export function testEngine(options: Partial<DueTimeEngineOptions> = {}): TestEngine {
  const clock = (options.clock as FakeClock | undefined) ?? fakeClock();
  const log = keptLog();
  const store = watchedStore(options.store);
  const engine = createDueTimeEngine({ ...options, store, clock, log });
  return {
    engine,
    store,
    clock,
    log,
    put: async (queue, name, inMs = 0, data = "{}") => {
      await engine.put({ queue, owner: "", name, dueAt: clock.now() + inMs, data }, true, call);
    },
    get: (queue, name) => store.get({ queue, owner: "", name }, call),
  };
}
