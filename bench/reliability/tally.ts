import type { CallResult } from "./caller.ts";

/** How calls have ended. */
export interface Tally {
  calls: number;
  failed: number;
  /** Calls that needed another attempt. */
  retried: number;
  readonly times: number[];
  /** Of calls that have failed in the end, some. */
  readonly failures: string[];
  /** Why attempts have failed, and how often. */
  readonly reasons: Map<string, number>;
  /** Counts a call, and returns its answer; `undefined` if it has failed. */
  add(id: string, call: () => Promise<CallResult>): Promise<string | undefined>;
}

const mostFailures = 20;
const mostReasons = 50;

export function createTally(): Tally {
  const tally: Tally = {
    calls: 0,
    failed: 0,
    retried: 0,
    times: [],
    failures: [],
    reasons: new Map(),
    add: async (id, call) => {
      tally.calls++;
      const { body, attempts, ms, failure } = await call();
      tally.times.push(ms);
      if (attempts > 1) tally.retried++;
      if (failure !== undefined) count(tally.reasons, kindOf(failure));
      if (body !== undefined) return body;
      tally.failed++;
      if (tally.failures.length < mostFailures) tally.failures.push(`${id}: ${failure}`);
      return undefined;
    },
  };
  return tally;
}

/** The text of a failure without what differs from one to the next. */
function kindOf(failure: string): string {
  return failure.replaceAll(/actor-\d+|[0-9a-f-]{36}/g, "…").replaceAll(/\d{4,}/g, "N");
}
function count(counts: Map<string, number>, key: string): void {
  if (counts.size < mostReasons || counts.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
}
