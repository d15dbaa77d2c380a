import { type Load, load, type loadGenerator } from "./load.ts";
import type { Target } from "./options.ts";
import { cpuMicros, rssBytes } from "./process.ts";
import { probe, type Row } from "./rows.ts";

export interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Absent for a peer whose processes are not known. */
  readonly cpuMicrosPerRequest?: number;
  readonly rssBytes?: number;
}
export interface Plan {
  readonly generator: Awaited<ReturnType<typeof loadGenerator>>;
  readonly seconds: number;
  readonly rounds: number;
  readonly signal: AbortSignal;
}

/** Sends a row's request to one target for so many seconds. */
export type Send = (target: Target, seconds: number) => Promise<Load>;

export async function httpSend(row: Row, targets: readonly Target[], plan: Plan): Promise<Send> {
  for (const { base } of targets) await probe(base, row);
  return ({ base }, seconds) => load(plan.generator, base, row, seconds, plan.signal);
}

/** Each target in turn, round by round, so that a drift of the machine meets all of them. */
export async function measure(
  send: Send,
  targets: readonly Target[],
  { seconds, rounds }: Pick<Plan, "seconds" | "rounds">,
): Promise<readonly Measured[]> {
  const measured = targets.map((): Array<Load & { readonly cpu: number }> => []);
  for (const target of targets) await send(target, Math.min(2, seconds));
  for (let round = 0; round < rounds; round++)
    for (const [i, target] of targets.entries()) {
      const { pids } = target;
      const before = cpuMicros(pids);
      const done = await send(target, seconds);
      measured[i]?.push({ ...done, cpu: cpuMicros(pids) - before });
    }
  return targets.map(({ pids }, i) => resultOf(measured[i] ?? [], pids));
}

/** The middle of the rounds: what else the machine did for a while does not count. */
function resultOf(
  of: ReadonlyArray<Load & { readonly cpu: number }>,
  pids: readonly number[],
): Measured {
  const middle = (pick: (each: Load & { readonly cpu: number }) => number): number =>
    median(of.map(pick));
  return {
    requestsPerSecond: Math.round(middle((each) => each.requestsPerSecond)),
    p50Ms: round3(middle((each) => each.p50Ms)),
    p99Ms: round3(middle((each) => each.p99Ms)),
    ...(pids.length === 0
      ? {}
      : {
          cpuMicrosPerRequest: round3(middle((each) => each.cpu / each.requests)),
          rssBytes: rssBytes(pids),
        }),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
}

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
