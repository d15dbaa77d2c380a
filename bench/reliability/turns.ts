import type { Life } from "../runtime.ts";
import { createCaller } from "./caller.ts";
import { runChaos } from "./chaos.ts";
import { type CounterApp, createCounterApp } from "./counter-app.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { type Distribution, distributionOf } from "./percentiles.ts";
import { createPod, type Pod } from "./pod.ts";
import type { Place } from "./place.ts";
import { createRandom } from "./random.ts";
import { createTally } from "./tally.ts";
import { createTurnCheck, type TurnCheck } from "./turn-check.ts";

export interface TurnsOptions {
  readonly place: Place;
  readonly turns: number;
  readonly rebalances: number;
  readonly kills: number;
  /** Runtimes that stand still for longer than their lease while their app goes on. */
  readonly pauses: number;
  /** Of the database, each longer than the leases; calls may fail then. */
  readonly outages?: number;
  readonly pods: number;
  readonly actors: number;
  /** Calls at once. */
  readonly callers: number;
  readonly seed: number;
  readonly program?: string | undefined;
  report?(line: string): void;
}
export interface TurnsResult {
  readonly calls: number;
  readonly failed: number;
  /** Calls that needed another attempt. */
  readonly retried: number;
  readonly turns: number;
  readonly overlaps: number;
  readonly excusedOverlaps: number;
  readonly seconds: number;
  readonly latencyMs: Distribution;
  /** Broken promises; empty if all is well. */
  readonly faults: readonly string[];
  /** Why calls have failed in the end, some of them. */
  readonly failures: readonly string[];
  /** Why calls had to be repeated, or failed: how often each. */
  readonly reasons: Readonly<Record<string, number>>;
}

const pauseMs = 7000;
const leastShare = 0.999;

/** Calls counters through any of the runtimes while these come, go and die. */
export async function runTurns(options: TurnsOptions, life: Life): Promise<TurnsResult> {
  const { place, turns, actors, seed } = options;
  const check = createTurnCheck();
  const ledger = createLedger();
  const type = `Counter-${place.run}`;
  const { pods, apps } = await createPods(options, type, { check, ledger }, life);
  await Promise.all(pods.map((pod) => pod.start()));
  const ports = pods.map(({ daprPort }) => daprPort);
  await using caller = createCaller(ports, createRandom(seed + 1), { retries: 3 });
  const tally = createTally();
  let isStruck = false;
  const began = performance.now();
  const chaosRandom = createRandom(seed + 2);
  const chaos = runChaos({
    ...options,
    random: chaosRandom,
    signal: life.signal,
    progress: () => tally.calls / turns,
    strike: async (blow) => {
      const pod = pods[chaosRandom.below(pods.length)] as Pod;
      options.report?.(`${tally.calls} calls, ${tally.failed} failed: ${blow} at ${pod.daprPort}`);
      if (blow === "outage") {
        for (const { mark } of apps.values()) mark.wasPaused = true;
        return place.stall?.(pauseMs);
      }
      if (blow === "pause") {
        (apps.get(pod) as CounterApp).mark.wasPaused = true;
        return pod.pause(pauseMs);
      }
      await (blow === "kill" ? pod.kill() : pod.stop());
      await pod.start();
    },
  }).finally(() => (isStruck = true));
  const random = createRandom(seed);
  async function callActors(): Promise<void> {
    while (!life.signal.aborted && (tally.calls < turns || !isStruck)) {
      const id = `actor-${random.below(actors)}`;
      const path = `/v1.0/actors/${type}/${id}/method/add`;
      const text = await tally.add(id, () => caller.call({ method: "PUT", path }));
      if (text !== undefined)
        ledger.acknowledged(id, (JSON.parse(text) as { count: number }).count);
    }
  }
  await Promise.all([chaos, ...Array.from({ length: options.callers }, callActors)]);
  const seconds = Math.round((performance.now() - began) / 1000);

  const faults: string[] = [];
  for (let i = 0; i < actors; i++) {
    const id = `actor-${i}`;
    const path = `/v1.0/actors/${type}/${id}/method/read`;
    const { body, failure } = await caller.call({ method: "PUT", path });
    const fault = body === undefined ? `${id}: ${failure}` : ledger.fault(id, Number(body));
    if (fault !== undefined) faults.push(fault);
  }
  if (check.overlaps > 0)
    faults.push(`${check.overlaps} turns overlapped: ${check.examples.join("; ")}`);
  const { calls, failed, retried, failures, reasons, times } = tally;
  if (!options.outages && calls - failed < calls * leastShare)
    faults.push(`${failed} of ${calls} calls failed: ${failures.slice(0, 3).join("; ")}`);
  await Promise.all(pods.map((pod) => pod.stop()));
  return {
    calls,
    failed,
    retried,
    turns: check.turns,
    overlaps: check.overlaps,
    excusedOverlaps: check.excused,
    seconds,
    latencyMs: distributionOf(times),
    faults,
    failures,
    reasons: Object.fromEntries(reasons),
  };
}

async function createPods(
  { place, pods: count, program }: TurnsOptions,
  type: string,
  { check, ledger }: { readonly check: TurnCheck; readonly ledger: Ledger },
  life: Life,
): Promise<{ readonly pods: readonly Pod[]; readonly apps: ReadonlyMap<Pod, CounterApp> }> {
  const pods: Pod[] = [];
  const apps = new Map<Pod, CounterApp>();
  for (let slot = 0; slot < count; slot++) {
    let lives = 0;
    const pod: Pod = await createPod(
      {
        place,
        appId: `counters-${place.run}`,
        program,
        app: (daprPort) => {
          const name = `${slot}.${++lives}`;
          const app = createCounterApp({ type, name, daprPort }, check, ledger);
          apps.set(pod, app);
          return app;
        },
      },
      life,
    );
    pods.push(pod);
  }
  return { pods, apps };
}
