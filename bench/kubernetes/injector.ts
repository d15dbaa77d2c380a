/**
 * Admissions through a real API server (control plane only), at 50 a second: pods that the injector patches and pods
 * that it never sees, in turns. `bench/injector.ts` measures the injector alone.
 *
 *     node bench/kubernetes/injector.ts [--rate 50] [--seconds 4] [--rounds 7]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cpuMicros, rssBytes } from "../process.ts";
import { startCluster } from "../../scripts/cluster/cluster.ts";
import {
  type Answered,
  boundOf,
  openApi,
  slot,
  startInjector,
  webhookTimes,
} from "./support/cluster-parts.ts";
import { median, mib, ms, type Percentiles, percentiles, printTable } from "./support/figures.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "50" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "7" },
  },
});
const rate = Number(values.rate);
const goalMs = 50;

await using cluster = await startCluster({ mode: "control", ...slot });
await cluster.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }]);
await using injector = await startInjector(cluster);
using api = await openApi(cluster);
let names = 0;
const pod = (isAnnotated: boolean): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `pod-${names++}`,
    ...(isAnnotated
      ? { annotations: { "dapr.io/enabled": "true", "dapr.io/app-id": "import" } }
      : {}),
  },
  spec: {
    restartPolicy: "Never",
    containers: ["app", "log"].map((name) => ({
      name,
      image: "example/app:1",
      env: Array.from({ length: 10 }, (_, i) => ({ name: `SETTING_${i}`, value: `value ${i}` })),
    })),
  },
});
const create = (isAnnotated: boolean, since: number): Promise<Answered> =>
  api.ask("POST", "/api/v1/namespaces/shop/pods", pod(isAnnotated), since);

/** The namespace's ServiceAccount, and the webhook's being known to the API server, take a moment. */
for (let tries = 0; ; tries++) {
  const { status, text } = await create(true, 0);
  if (status === 201 && text.includes("outrigger.dev/token-sha256")) break;
  if (tries > 100) throw new Error(text);
  await delay(100);
}
await turn(true, 2);
const cpuBefore = cpuMicros([injector.pid]);
const before = await webhookTimes(api);
const patched: Array<readonly Answered[]> = [];
const others: Array<readonly Answered[]> = [];
for (let i = 0; i < Number(values.rounds); i++) {
  patched.push(await turn(true, Number(values.seconds)));
  others.push(await turn(false, Number(values.seconds)));
}
const after = await webhookTimes(api);
const measured = {
  calls: after.calls - before.calls,
  within: new Map(
    [...after.within].map(([bound, count]) => [bound, count - (before.within.get(bound) ?? 0)]),
  ),
};
const isPatched = ({ status, text }: Answered): boolean =>
  status === 201 && text.includes("outrigger.dev/token-sha256");
/** The middle of the turns: what else the machine did for a while does not count. */
const middle = (of: ReadonlyArray<readonly Answered[]>, which: keyof Percentiles): number =>
  median(of.map((each) => percentiles(each.map((one) => one.ms))[which]));
const row = (
  name: string,
  of: ReadonlyArray<readonly Answered[]>,
  isGood: (answer: Answered) => boolean,
): string[] => {
  const all = of.flat();
  const { mostMs } = percentiles(all.map((each) => each.ms));
  return [
    name,
    String(all.length),
    ms(middle(of, "p50Ms")),
    ms(middle(of, "p99Ms")),
    ms(Math.min(...of.map((each) => percentiles(each.map((one) => one.ms)).p99Ms))),
    ms(mostMs),
    String(all.filter((each) => !isGood(each)).length),
  ];
};
console.log(
  `${rate} pods a second are created, the whole request as its client sees it; middle of ${values.rounds} turns of ${values.seconds} s`,
);
printTable(
  ["pods", "created", "p50 ms", "p99 ms", "of the calmest turn", "longest", "failed"],
  [
    row("annotated, patched", patched, isPatched),
    row("others", others, ({ status }) => status === 201),
  ],
);
console.log(
  `Of ${measured.calls} calls of the webhook the API server counted half within ${boundOf(measured, 0.5)} ms and 99 % within ${boundOf(measured, 0.99)} ms; injector: ${((cpuMicros([injector.pid]) - cpuBefore) / measured.calls / 1000).toFixed(2)} ms of CPU each, ${mib(rssBytes([injector.pid]))} MiB resident`,
);
const isLate = middle(patched, "p99Ms") >= goalMs;
console.log(`Goal: p99 under ${goalMs} ms, none failed`);
if (isLate || !patched.flat().every(isPatched)) process.exitCode = 1;

/** Each at its own moment, and counted from then. */
async function turn(isAnnotated: boolean, seconds: number): Promise<readonly Answered[]> {
  const began = performance.now();
  const all: Array<Promise<Answered>> = [];
  for (let i = 0; i < rate * seconds; i++) {
    const due = began + (i * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await delay(wait);
    all.push(create(isAnnotated, Math.max(due, performance.now() - 2)));
  }
  return Promise.all(all);
}
