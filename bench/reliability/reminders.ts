import type { Life } from "../runtime.ts";
import { createCaller } from "./caller.ts";
import { runChaos } from "./chaos.ts";
import { createFireCheck, type FireResult } from "./fire-check.ts";
import { createPod, type Pod } from "./pod.ts";
import type { Place } from "./place.ts";
import { createRandom } from "./random.ts";
import { allNamespaces, type PlannedReminder, planReminders } from "./reminder-plan.ts";

export interface RemindersOptions {
  readonly place: Place;
  readonly reminders: number;
  /** Of each. */
  readonly fires: number;
  readonly kills: number;
  readonly rebalances: number;
  /** Of `allNamespaces`. */
  readonly namespaces: number;
  /** In each namespace. */
  readonly pods: number;
  /** Until the first reminder is due, in which all have to be registered. */
  readonly leadMs: number;
  /** From the first time that is due to the last. */
  readonly seconds: number;
  readonly seed: number;
  readonly program?: string | undefined;
  report?(line: string): void;
}
export interface RemindersResult extends FireResult {
  readonly registered: number;
  readonly registerSeconds: number;
}

const registrations = 64;
const leastPeriodMs = 15_000;
/** What the last kill makes late. */
const afterMs = 20_000;

/** Lets reminders fire while runtimes are killed. */
export async function runReminders(
  options: RemindersOptions,
  life: Life,
): Promise<RemindersResult> {
  const { place, seed, seconds, report } = options;
  const random = createRandom(seed);
  const namespaces = allNamespaces.slice(0, options.namespaces);
  const type = `Reminded-${place.run}`;
  const appId = `reminded-${place.run}`;
  let fired: (namespace: string, id: string, name: string) => void = () => {};
  const pods: Pod[] = [];
  for (const namespace of namespaces)
    for (let slot = 0; slot < options.pods; slot++)
      pods.push(
        await createPod(
          {
            place,
            appId,
            namespace,
            program: options.program,
            app: () => {
              let isDead = false;
              return {
                types: [type],
                remind: ({ id }, name) => {
                  if (!isDead) fired(namespace, id, name);
                },
                died: () => void (isDead = true),
              };
            },
          },
          life,
        ),
      );
  await Promise.all(pods.map((pod) => pod.start()));

  const periodMs = Math.round((seconds * 1000) / options.fires);
  // Each fire has to be of one time: the latest that is allowed must not look like the next.
  if (options.fires > 1 && periodMs < leastPeriodMs)
    throw new Error(`${seconds} s are too short for ${options.fires} fires of each reminder`);
  const from = Date.now() + options.leadMs;
  const plans = planReminders({ ...options, namespaces, from, periodMs }, random);
  const check = createFireCheck(plans);
  fired = (namespace, id, name) => check.fired(namespace, id, name, Date.now());
  const began = performance.now();
  await register(plans, pods, type, seed);
  const registerSeconds = Math.round((performance.now() - began) / 1000);
  report?.(`registered ${plans.length} reminders in ${registerSeconds} s`);
  if (Date.now() > from) throw new Error("The reminders were registered too late; try fewer");

  const chaosRandom = createRandom(seed + 2);
  const lengthMs = periodMs * options.fires;
  await runChaos({
    ...options,
    random: chaosRandom,
    signal: life.signal,
    progress: () => (Date.now() - from) / lengthMs,
    strike: async (blow) => {
      const pod = pods[chaosRandom.below(pods.length)] as Pod;
      report?.(`${Math.round((Date.now() - from) / 1000)} s: ${blow} in ${pod.namespace}`);
      if (blow === "kill") {
        await pod.kill();
        check.died(pod.namespace, Date.now());
      } else await pod.stop();
      await pod.start();
    },
  });
  await until(from + lengthMs, life.signal);
  // A little longer than it takes, for those that fire too often.
  const last = Date.now() + afterMs;
  while (check.missing > 0 && Date.now() < last) await until(Date.now() + 100, life.signal);
  await until(Date.now() + 1000, life.signal);
  await Promise.all(pods.map((pod) => pod.stop()));
  return { registered: plans.length, registerSeconds, ...check.result() };
}

async function register(
  plans: readonly PlannedReminder[],
  pods: readonly Pod[],
  type: string,
  seed: number,
): Promise<void> {
  const random = createRandom(seed + 1);
  const ways = new Map(
    [...Map.groupBy(pods, ({ namespace }) => namespace)].map(([namespace, some]) => {
      const ports = some.map(({ daprPort }) => daprPort);
      return [namespace, createCaller(ports, random, { retries: 3 })];
    }),
  );
  const left = [...plans];
  const worker = async (): Promise<void> => {
    for (let plan = left.pop(); plan; plan = left.pop()) {
      const { namespace, id, name, dueAt, periodMs, fires } = plan;
      const path = `/v1.0/actors/${type}/${encodeURIComponent(id)}/reminders/${encodeURIComponent(name)}`;
      const dueTime = new Date(dueAt).toISOString();
      const period = `R${fires}/PT${periodMs / 1000}S`;
      const body = JSON.stringify({ dueTime, period, data: "x" });
      const answer = await ways.get(namespace)?.call({ method: "POST", path, body });
      if (answer?.body === undefined)
        throw new Error(`Cannot register a reminder: ${answer?.failure}`);
    }
  };
  await Promise.all(Array.from({ length: registrations }, worker));
  await Promise.all([...ways.values()].map((way) => way[Symbol.asyncDispose]()));
}

async function until(at: number, signal: AbortSignal): Promise<void> {
  while (Date.now() < at && !signal.aborted) await new Promise((done) => setTimeout(done, 50));
}
