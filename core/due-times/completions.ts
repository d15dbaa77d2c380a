import { messageOf } from "#core/errors/component-error.ts";
import type { Completion, DueTimes } from "#core/ports/due-times.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import type { Clock, Log } from "#core/ports/platform.ts";

/** Ends claims, together with those that end at the same time. */
export interface Completions {
  /**
   * Resolves once the store has it: whether the claim held still. Tried again for as long as the store cannot be
   * reached; the claim ends by itself where that takes too long, and the entry then runs once more.
   */
  add(completion: Completion): Promise<boolean>;
  /** Waits for what runs, and for its ends; the store is tried for two seconds more, at most. */
  end(running: Promise<unknown>): Promise<void>;
}

interface Waiting {
  readonly completion: Completion;
  readonly done: (held: boolean) => void;
}
const most = 512;
const pauses: Pauses = { firstMs: 50, longestMs: 2000 };
/** What a runtime that ends waits for its store. */
const endMs = 2000;

export function createCompletions(
  store: Pick<DueTimes, "complete">,
  clock: Clock,
  log: Log,
): Completions {
  const ended = new AbortController();
  const call = { signal: ended.signal };
  let waiting: Waiting[] = [];
  let flushing: Promise<void> | undefined;

  async function flush(): Promise<void> {
    // What ends in the same turn of the event loop shares a call.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting.splice(0, most);
      const held = await complete(group);
      group.forEach(({ done }, i) => done(held[i] ?? false));
    }
    flushing = undefined;
  }
  async function complete(group: readonly Waiting[]): Promise<readonly boolean[]> {
    const completions = group.map(({ completion }) => completion);
    for (let failures = 0; ; failures++) {
      try {
        return await store.complete(completions, call);
      } catch (reason) {
        if (ended.signal.aborted) return [];
        if (failures === 0) log.warn(`Cannot end what has run, trying again: ${messageOf(reason)}`);
        await clock.sleep(pauseAfter(failures, pauses), call).catch(() => {});
      }
    }
  }
  return {
    add: (completion) =>
      new Promise((done) => {
        waiting.push({ completion, done });
        flushing ??= flush();
      }),
    end: async (running) => {
      const late = clock.after(endMs, () => ended.abort(new Error("The runtime has ended")));
      await running;
      while (flushing) await flushing;
      late();
    },
  };
}
