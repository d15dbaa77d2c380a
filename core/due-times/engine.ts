import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ClaimedEntry, DueEntry, DueTimes } from "#core/ports/due-times.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { createAlarm } from "./alarm.ts";
import { createRuns } from "./runs.ts";

/** When an entry is due again, and with which data. */
export type NextDue = Pick<DueEntry, "dueAt" | "data">;
/**
 * Runs an entry that is due, and answers when it is due again; `undefined` ends it. What it rejects with is logged, and
 * the entry comes again after a second. The signal fires when the engine is closed.
 */
export type DueHandler = (
  entry: ClaimedEntry,
  options: CallOptions,
) => Promise<NextDue | undefined>;

/** Runs what is due, from one store of due times, for everybody of this process. */
export interface DueTimeEngine extends AsyncDisposable {
  /** The store's own, and wakes the engine where the entry is due before it would look. */
  put: DueTimes["put"];
  /** Takes the entries of the queue from now on, among whoever else serves it; several of this process in turn. */
  serve(queue: string, handler: DueHandler): Serving;
  readonly inHand: number;
}
export interface Serving {
  /** Takes no more; resolves when what is in hand has ended. After the last one the store is not asked any more. */
  stop(): Promise<void>;
}

export interface DueTimeEngineOptions {
  readonly store: DueTimes;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a claim outlives its process. Default: 5 s. */
  readonly holdMs?: number;
  /** Longest time between looks for what other processes have put. Default: 1 s. */
  readonly pollMs?: number;
  /** Entries that run at once, at most. Default: 1000. */
  readonly most?: number;
  /** Those of one queue, about: an app that hangs must not keep the others from theirs. Default: 250. */
  readonly mostOfQueue?: number;
}

const batch = 256;
const outages: Pauses = { firstMs: 100, longestMs: 5000 };

/** Who takes the entries of a queue, the next one first. */
interface Server {
  readonly handler: DueHandler;
  readonly running: Set<Promise<void>>;
}

/** Nothing runs, and the store is not asked, while nobody serves a queue. */
export function createDueTimeEngine(options: DueTimeEngineOptions): DueTimeEngine {
  const { store, clock, log, holdMs = 5000, pollMs = 1000, most = 1000 } = options;
  const closing = new AbortController();
  const served = new Map<string, Server[]>();
  const alarm = createAlarm(clock);
  const ending = closing.signal;
  const { mostOfQueue = 250 } = options;
  const runs = createRuns({ ...options, holdMs, most, mostOfQueue, ending, lookAt: alarm.at });
  /** While the store is asked; fires once nobody serves anything. */
  let looking: { readonly idle: AbortController; readonly ended: Promise<void> } | undefined;

  function start(entry: ClaimedEntry, until: number): void {
    const servers = served.get(entry.queue);
    const server = servers?.shift();
    // Stopped while the claim was on its way: somebody else may have it.
    if (!servers || !server) return runs.giveBack(entry);
    servers.push(server);
    const running = runs
      .start(entry, server.handler, until)
      .finally(() => server.running.delete(running));
    server.running.add(running);
  }
  /** Takes what is due; answers until when there is nothing more to take. */
  async function claim(queues: readonly string[]): Promise<number> {
    const limit = Math.min(batch, most - runs.size);
    const now = clock.now();
    const found = await store.claim(queues, { signal: closing.signal, now, limit, holdMs });
    for (const entry of found.entries) start(entry, now + holdMs);
    if (found.entries.length === limit) return now;
    return Math.min(Math.max(found.nextAt ?? Infinity, now + 1), clock.now() + pollMs);
  }
  async function look(idle: AbortSignal): Promise<void> {
    const backoff = createBackoff(outages);
    let isOut = false;
    while (!idle.aborted) {
      alarm.clear();
      const queues = [...served.keys()].filter(runs.hasRoom);
      if (queues.length === 0) {
        await alarm.wait(Infinity);
        continue;
      }
      try {
        const until = await claim(queues);
        if (isOut) log.info("Due times can be read again");
        isOut = false;
        backoff.reset();
        if (until > clock.now()) await alarm.wait(until);
      } catch (reason) {
        if (idle.aborted) break;
        if (!isOut) log.warn(`Cannot look for what is due, trying again: ${messageOf(reason)}`);
        isOut = true;
        await clock.sleep(backoff.next(), { signal: idle }).catch(() => {});
      }
    }
  }
  function startLooking(): void {
    if (looking || served.size === 0 || closing.signal.aborted) return;
    const idle = new AbortController();
    const ended = look(idle.signal).finally(() => {
      looking = undefined;
      // Somebody may have begun to serve since it was told to end.
      startLooking();
    });
    looking ??= { idle, ended };
  }
  function stopLooking(): Promise<void> | undefined {
    looking?.idle.abort();
    alarm.at(clock.now());
    return looking?.ended;
  }
  async function stop(queue: string, server: Server): Promise<void> {
    const others = (served.get(queue) ?? []).filter((each) => each !== server);
    if (others.length > 0) served.set(queue, others);
    else served.delete(queue);
    const ended = served.size === 0 ? stopLooking() : undefined;
    await Promise.allSettled(server.running);
    // What it may still have claimed goes back first: whoever stops may close the store.
    const returned = ended?.then(() => runs.givenBack());
    if (returned) await endsWithin(clock, holdMs, returned);
  }

  return {
    get inHand() {
      return runs.size;
    },
    put: async (entry, overwrite, putOptions) => {
      const isPut = await store.put(entry, overwrite, putOptions);
      if (isPut && served.has(entry.queue)) alarm.at(entry.dueAt);
      return isPut;
    },
    serve: (queue, handler) => {
      const server: Server = { handler, running: new Set() };
      const servers = served.get(queue) ?? [];
      servers.push(server);
      served.set(queue, servers);
      if (looking) alarm.at(clock.now());
      else startLooking();
      return { stop: () => stop(queue, server) };
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error("The runtime is ending"));
      served.clear();
      await stopLooking();
      await runs.end();
    },
  };
}
