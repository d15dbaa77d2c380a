import type { Clock } from "#core/ports/platform.ts";
import type { EventContent, EventSubject } from "./event-object.ts";

/** An Event that is to be written, or was; the same reason about the same object is one problem. */
export interface Problem extends EventContent {
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

/** Problems that wait to be written. */
export interface EventQueue {
  /** Counts it up where it is known. False, and nothing done, where there are too many. */
  add(about: EventSubject, type: Problem["type"], reason: string, message: string): boolean;
  /**
   * The next that may be written, or the time to wait for it; `undefined`: nothing is left. News come before
   * repetitions, which would take all there is; else the one that has waited longest.
   */
  next(): Problem | number | undefined;
  /** It is being written: repetitions wait. */
  taken(problem: Problem): void;
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

/** `time`: monotonic. */
export function createEventQueue(clock: Pick<Clock, "now">, time: () => number): EventQueue {
  const problems = new Map<string, Problem>();
  let tokens = burst;
  let refilledAt = time();

  function refill(now: number): void {
    const refills = Math.floor((now - refilledAt) / refillMs);
    tokens = Math.min(burst, tokens + refills);
    refilledAt += refills * refillMs;
  }
  return {
    add: (about, type, reason, message) => {
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
        if (problems.size >= mostProblems && !makeRoom(problems)) return false;
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
      return true;
    },
    next: () => {
      const now = time();
      refill(now);
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
    },
    taken: (problem) => {
      problem.dueAt = time() + repeatMs;
      // Taken as done in any case: a server in trouble is not asked again and again to write that down.
      problem.written = problem.count;
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

/** Kubernetes takes 1,024 bytes. */
function bounded(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= mostMessageBytes) return message;
  // Half a character at the end becomes U+FFFD.
  return `${bytes.toString("utf8", 0, mostMessageBytes - 6).replace(/\ufffd$/, "")}...`;
}
const mostMessageBytes = 1024;
