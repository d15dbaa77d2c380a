import type { Life } from "../runtime.ts";
import { type Caller, createCaller } from "./caller.ts";
import { type Distribution, distributionOf } from "./percentiles.ts";
import { createPod, type Pod } from "./pod.ts";
import type { Place } from "./place.ts";
import { createRandom } from "./random.ts";

export interface RebalanceOptions {
  readonly place: Place;
  /** That stay. */
  readonly pods: number;
  readonly actors: number;
  /** Further actors that are active, and called by nobody: they move as well. */
  readonly idle: number;
  /** A host joins and leaves, so often each; and is killed as often. */
  readonly rebalances: number;
  readonly seed: number;
  readonly program?: string | undefined;
  report?(line: string): void;
}
export interface RebalanceResult {
  readonly calmMs: Distribution;
  /** Of calls to actors that do not move, while a host joins or leaves. */
  readonly stayingMs: Distribution;
  readonly p99Ratio: number;
  /** The call of each move: to an actor that moves to a host that joins, or from one that leaves or dies. */
  readonly joinPauseMs: Distribution;
  readonly leavePauseMs: Distribution;
  readonly crashPauseMs: Distribution;
  readonly moves: number;
  /** Orderly moves that have taken too long, and longer than the slowest call of that time to an actor that stays. */
  readonly longMoves: number;
  readonly failed: number;
  readonly faults: readonly string[];
}

type Phase = "calm" | "join" | "leave" | "crash" | "settle";
/** Between calls to one actor. */
const everyMs = 200;
const calmMs = 15_000;
/** Until all runtimes have noticed a host that joins or leaves, and the actors are where they belong. */
const orderlyMs = 4000;
const crashMs = 8000;
const mostPauseMs = 250;
const mostCrashPauseMs = 6000;
const mostRatio = 1.5;

interface Sample {
  readonly phase: Phase;
  /** Counts phases. */
  readonly round: number;
  readonly actor: number;
  readonly host: string;
  readonly ms: number;
}

/** Calls actors steadily through hosts that stay, while another one comes and goes. */
export async function measureRebalance(
  options: RebalanceOptions,
  life: Life,
): Promise<RebalanceResult> {
  const { place, actors, seed, report } = options;
  const type = `Moving-${place.run}`;
  const podOf = (slot: number): Promise<Pod> => {
    const app = () => ({ types: [type], invoke: async () => `${slot}` });
    return createPod({ place, appId: `moving-${place.run}`, program: options.program, app }, life);
  };
  const staying = await Promise.all(Array.from({ length: options.pods }, (_, i) => podOf(i)));
  await Promise.all(staying.map((pod) => pod.start()));
  const ports = staying.map(({ daprPort }) => daprPort);
  await using caller = createCaller(ports, createRandom(seed), { retries: 3 });
  const samples: Sample[] = [];
  let phase: Phase = "settle";
  let round = 0;
  let isOver = false;
  let failed = 0;
  const enter = async (next: Phase, ms: number): Promise<void> => {
    phase = next;
    round++;
    await new Promise((done) => setTimeout(done, ms));
  };
  const callers = Array.from({ length: actors }, async (_, actor) => {
    await new Promise((done) => setTimeout(done, (everyMs * actor) / actors));
    while (!isOver && !life.signal.aborted) {
      const began = performance.now();
      const answer = await callOnce(caller, type, actor);
      if (answer.body === undefined) failed++;
      else samples.push({ phase, round, actor, host: answer.body, ms: answer.ms });
      const left = everyMs - (performance.now() - began);
      if (left > 0) await new Promise((done) => setTimeout(done, left));
    }
  });
  await activate(caller, type, options.idle);
  await enter("settle", 3000);
  await enter("calm", calmMs);
  const coming = await podOf(options.pods);
  for (let i = 0; i < options.rebalances && !life.signal.aborted; i++) {
    report?.(`round ${i + 1} of ${options.rebalances}`);
    for (const how of ["leave", "crash"] as const) {
      // The process is there before it hosts anything: what its start costs is not the rebalancing's.
      await coming.prepare();
      await enter("calm", 2000);
      const joined = coming.start();
      await enter("join", orderlyMs);
      await joined;
      await enter("settle", 500);
      const gone = how === "crash" ? coming.kill() : coming.stop();
      await enter(how, how === "crash" ? crashMs : orderlyMs);
      await gone;
      await enter("settle", 500);
    }
  }
  isOver = true;
  await Promise.all(callers);
  await Promise.all(staying.map((pod) => pod.stop()));
  return resultOf(samples, failed);
}

async function activate(caller: Caller, type: string, count: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await callOnce(caller, type, 1_000_000 + next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

async function callOnce(caller: Caller, type: string, actor: number) {
  const path = `/v1.0/actors/${type}/actor-${actor}/method/where`;
  return caller.call({ method: "PUT", path });
}

function resultOf(samples: readonly Sample[], failed: number): RebalanceResult {
  const calm = samples.filter(({ phase }) => phase === "calm").map(({ ms }) => ms);
  const staying: number[] = [];
  const pauses: Record<"join" | "leave" | "crash", number[]> = { join: [], leave: [], crash: [] };
  /** By round: what a machine that stalls takes of everybody. */
  const slowest = new Map<number, number>();
  const moved: Array<{ readonly phase: Phase; readonly round: number; readonly ms: number }> = [];
  for (const calls of Map.groupBy(samples, ({ actor }) => actor).values()) {
    let host = calls[0]?.host;
    for (const [round, some] of Map.groupBy(calls, (call) => call.round)) {
      const { phase } = some[0] as Sample;
      const first = some.findIndex((call) => call.host !== host);
      host = some.at(-1)?.host;
      const times = some.map(({ ms }) => ms);
      if (phase === "calm" || phase === "settle") continue;
      if (first >= 0) {
        // The last call at the former host may have waited as well, and was then sent on.
        const ms = Math.max(times[first] ?? 0, times[first - 1] ?? 0);
        pauses[phase].push(ms);
        moved.push({ phase, round, ms });
        continue;
      }
      slowest.set(round, Math.max(...times, slowest.get(round) ?? 0));
      if (phase !== "crash") staying.push(...times);
    }
  }
  const longMoves = moved.filter(
    ({ phase, round, ms }) =>
      phase !== "crash" && ms > mostPauseMs && ms > (slowest.get(round) ?? 0),
  );
  const calmMs = distributionOf(calm);
  const stayingMs = distributionOf(staying);
  const [join, leave, crash] = [pauses.join, pauses.leave, pauses.crash].map(distributionOf) as [
    Distribution,
    Distribution,
    Distribution,
  ];
  const p99Ratio = Math.round((stayingMs.p99 / calmMs.p99) * 100) / 100;
  const faults: string[] = [];
  if (p99Ratio > mostRatio)
    faults.push(`actors that stay: the p99 is ${p99Ratio} times the calm one`);
  for (const { phase, ms } of longMoves) faults.push(`a move at a ${phase} has taken ${ms} ms`);
  if (crash.max > mostCrashPauseMs) faults.push(`a move after a crash has taken ${crash.max} ms`);
  return {
    calmMs,
    stayingMs,
    p99Ratio,
    joinPauseMs: join,
    leavePauseMs: leave,
    crashPauseMs: crash,
    moves: pauses.join.length + pauses.leave.length + pauses.crash.length,
    longMoves: longMoves.length,
    failed,
    faults,
  };
}
