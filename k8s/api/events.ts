import { randomBytes } from "node:crypto";
import type { Clock, Log } from "#core/ports/platform.ts";
import { monotonicClock } from "#core/util/monotonic-clock.ts";
import { type KubeClient, KubeError } from "./client.ts";
import { resourcePath } from "./resource-path.ts";

/** The object that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent: of the cluster; its Events are in `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
}
export interface EventWriterOptions {
  /** Who reports: `outrigger-node`. */
  readonly component: string;
  /** Which of them: name of the node or pod. */
  readonly instance: string;
  readonly log: Log;
  readonly clock: Clock;
}
export interface EventWriter extends AsyncDisposable {
  /** Remembers it and returns; written soon. The same reason about the same object again counts one Event up. */
  emit(about: EventSubject, type: "Normal" | "Warning", reason: string, message: string): void;
}

/** A repeated one is written at most this often. */
const repeatMs = 30_000;
/** After so long a repeated one is a new Event: Kubernetes forgets them after an hour. */
const forgetMs = 3_600_000;
/** Writes at once, then one a second. */
const burst = 20;
const refillMs = 1000;
/** Different problems remembered at once; further ones are dropped. */
const mostProblems = 1000;
const closeMs = 3000;

interface Problem {
  readonly about: EventSubject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly first: number;
  message: string;
  last: number;
  count: number;
  /** Count that the Event has. */
  written: number;
  /** Not before, in `time()`; of one that was never written, when it came up. */
  dueAt: number;
  /** Of the Event, once it is there. */
  name: string | undefined;
}

/** Writes Events (core/v1) one after the other. What fails is logged, and forgotten. */
export function createEventWriter(client: KubeClient, options: EventWriterOptions): EventWriter {
  const { clock, log } = options;
  const problems = new Map<string, Problem>();
  const stop = new AbortController();
  const time = monotonicClock(clock);
  let tokens = burst;
  let refilledAt = time();
  let writing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  /**
   * The next that may be written, or the time to wait for it; `undefined`: nothing is left. News come before
   * repetitions, which would take all there is; else the one that has waited longest.
   */
  function next(): Problem | number | undefined {
    const now = time();
    const refill = Math.floor((now - refilledAt) / refillMs);
    tokens = Math.min(burst, tokens + refill);
    refilledAt += refill * refillMs;
    let found: Problem | undefined;
    let dueAt = Infinity;
    for (const [key, problem] of problems) {
      if (problem.written === problem.count) {
        if (clock.now() - problem.last > forgetMs) problems.delete(key);
        continue;
      }
      dueAt = Math.min(dueAt, problem.dueAt);
      if (problem.dueAt <= now && (found === undefined || isBefore(problem, found)))
        found = problem;
    }
    if (found !== undefined && tokens > 0) {
      tokens--;
      return found;
    }
    if (dueAt === Infinity) return undefined;
    return Math.max(dueAt - now, tokens > 0 ? 0 : refilledAt + refillMs - now);
  }
  function schedule(): void {
    if (writing !== undefined || stop.signal.aborted) return;
    cancel?.();
    cancel = undefined;
    const found = next();
    if (typeof found === "number") cancel = clock.after(found, schedule);
    else if (found !== undefined)
      writing = write(found).finally(() => {
        writing = undefined;
        schedule();
      });
  }
  async function write(problem: Problem): Promise<void> {
    const { count } = problem;
    problem.dueAt = time() + repeatMs;
    // Taken as done in any case: a server in trouble is not asked again and again to write that down.
    problem.written = count;
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
        body: {
          count: problem.count,
          lastTimestamp: timestamp(problem.last),
          message: problem.message,
        },
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
      const now = clock.now();
      const key = JSON.stringify([
        about.kind,
        about.namespace,
        about.name,
        about.uid,
        type,
        reason,
      ]);
      let problem = problems.get(key);
      if (problem !== undefined && now - problem.last > forgetMs) {
        problems.delete(key);
        problem = undefined;
      }
      if (problem === undefined) {
        if (problems.size >= mostProblems && !makeRoom(problems)) {
          log.debug(`Too many Events at once, dropped: ${reason} of ${about.kind} ${about.name}`);
          return;
        }
        problem = {
          about,
          type,
          reason: reason.slice(0, 128),
          first: now,
          message: "",
          last: now,
          count: 0,
          written: 0,
          dueAt: time(),
          name: undefined,
        };
        problems.set(key, problem);
      }
      problem.count++;
      problem.last = now;
      problem.message = bounded(message);
      schedule();
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

function isBefore(one: Problem, other: Problem): boolean {
  const isNew = one.written === 0;
  if (isNew !== (other.written === 0)) return isNew;
  return one.dueAt < other.dueAt;
}

/** The oldest that is written goes. */
function makeRoom(problems: Map<string, Problem>): boolean {
  for (const [key, { written, count }] of problems)
    if (written === count) return problems.delete(key);
  return false;
}

function eventPath({ namespace = "default" }: EventSubject, name?: string): string {
  return resourcePath({ apiVersion: "v1", plural: "events" }, { namespace, name });
}
function nameOf({ name }: EventSubject): string {
  // A DNS subdomain, as the names of most objects are; those of roles may hold more.
  const base = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-")
    .slice(0, 230);
  return `${base}.${randomBytes(8).toString("hex")}`;
}
function eventOf(
  problem: Problem,
  name: string,
  { component, instance }: EventWriterOptions,
): object {
  const { about, type, reason, message, count } = problem;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: about.namespace ?? "default" },
    involvedObject: about,
    type,
    reason,
    message,
    count,
    firstTimestamp: timestamp(problem.first),
    lastTimestamp: timestamp(problem.last),
    source: { component, host: instance },
    reportingComponent: component,
    reportingInstance: instance.slice(0, 128),
  };
}
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
/** Kubernetes takes 1,024 bytes. */
function bounded(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= mostMessageBytes) return message;
  // Half a character at the end becomes U+FFFD.
  return `${bytes.toString("utf8", 0, mostMessageBytes - 6).replace(/\ufffd$/, "")}...`;
}
const mostMessageBytes = 1024;
