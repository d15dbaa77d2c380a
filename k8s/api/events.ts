import type { Clock, Log } from "#core/ports/platform.ts";
import { type KubeClient, KubeError } from "./client.ts";
import {
  eventOf,
  eventPath,
  type EventReporter,
  type EventSubject,
  nameOf,
  repetitionOf,
} from "./event-object.ts";
import { createEventQueue, type Problem } from "./event-queue.ts";

export interface EventWriterOptions extends EventReporter {
  readonly log: Log;
  readonly clock: Clock;
}
export interface EventWriter extends AsyncDisposable {
  /** Remembers it and returns; written soon. The same reason about the same object again counts one Event up. */
  emit(about: EventSubject, type: "Normal" | "Warning", reason: string, message: string): void;
}

const closeMs = 3000;

/** Writes Events (core/v1) one after the other. What fails is logged, and forgotten. */
export function createEventWriter(client: KubeClient, options: EventWriterOptions): EventWriter {
  const { clock, log } = options;
  const stop = new AbortController();
  const queue = createEventQueue(clock, () => clock.monotonic());
  let writing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  function schedule(): void {
    if (writing !== undefined || stop.signal.aborted) return;
    cancel?.();
    cancel = undefined;
    const found = queue.next();
    if (typeof found === "number") cancel = clock.after(found, schedule);
    else if (found !== undefined)
      writing = write(found).finally(() => {
        writing = undefined;
        schedule();
      });
  }
  async function write(problem: Problem): Promise<void> {
    queue.taken(problem);
    try {
      if (problem.name !== undefined && (await countUp(problem, problem.name))) return;
      problem.name = nameOf(problem.about);
      await client.request("POST", eventPath(problem.about), {
        body: eventOf(problem, problem.name, options),
        signal: stop.signal,
      });
    } catch (reason) {
      problem.name = undefined;
      const what = `${problem.reason} of ${problem.about.kind} ${problem.about.name}`;
      if (!stop.signal.aborted) log.warn(`Could not write the Event ${what}: ${String(reason)}`);
    }
  }
  /** False where the Event is no longer there. */
  async function countUp(problem: Problem, name: string): Promise<boolean> {
    try {
      await client.request("PATCH", eventPath(problem.about, name), {
        body: repetitionOf(problem),
        signal: stop.signal,
      });
      return true;
    } catch (reason) {
      if (reason instanceof KubeError && reason.code === 404) return false;
      throw reason;
    }
  }
  return {
    emit: (about, type, reason, message) => {
      if (queue.add(about, type, reason, message)) schedule();
      else log.debug(`Too many Events at once, dropped: ${reason} of ${about.kind} ${about.name}`);
    },
    [Symbol.asyncDispose]: async () => {
      cancel?.();
      // What is due is still written, within a moment.
      const cancelLate = clock.after(closeMs, () => stop.abort());
      while (writing !== undefined && !stop.signal.aborted) await writing;
      cancelLate();
      cancel?.();
      stop.abort();
    },
  };
}
