/**
 * How much an app that goes far over its budget slows down another one of its node: p99 of the quiet app's calls with
 * and without the noise, in turns, in one group and in groups of their own.
 *
 *     node bench/kubernetes/neighbour.ts [--rounds 10] [--seconds 3] [--only shared,connections]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { callFrom, putPod } from "#test/support/node-cluster.ts";
import { median, ms, printTable } from "./support/figures.ts";
import {
  failuresOf,
  type LoadPlan,
  type LoadResult,
  type PlannedRequest,
  sendLoad,
} from "./support/load.ts";
import { hostIp, type MeasuredNode, startNode } from "./support/runtimes.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    seconds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const only = values.only.split(",").filter((name) => name !== "");
const goal = 1.5;
/** Not counted: a client that starts, and a thousand connections that are made. */
const warmUpSeconds = 2;
const times = 100;

/** What the noisy app may use. */
const budget = {
  "outrigger.dev/max-concurrent-calls": "10",
  "outrigger.dev/max-body-bytes-in-flight": "1Mi",
  "outrigger.dev/max-open-streams": "10",
  "outrigger.dev/max-loop-ms-per-second": "50",
};
const json = { "content-type": "application/json" };
const items = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: { i, tags: ["a"] } }));
/** Each a hundred times of one of its limits. */
const noises: Readonly<Record<string, Pick<LoadPlan, "connections" | "requests">>> = {
  connections: { connections: 10 * times, requests: [{ path: "/v1.0/state/store/k" }] },
  "large bodies": {
    connections: times,
    requests: [
      {
        method: "POST",
        path: "/v1.0/publish/bus/nobody",
        headers: json,
        body: { jsonBytes: 1024 * 1024 },
      },
    ],
  },
  "expensive calls": {
    connections: times,
    requests: [
      { method: "POST", path: "/v1.0/state/store", headers: json, body: JSON.stringify(items) },
      {
        method: "POST",
        path: "/v1.0/state/store/bulk",
        headers: json,
        body: JSON.stringify({ keys: items.map(({ key }) => key), parallelism: 100 }),
      },
    ],
  },
};
const rows: string[][] = [];
let isMissed = false;
for (const isolation of ["shared", "namespace"] as const)
  for (const name of Object.keys(noises)) {
    if (only.length > 0 && !only.every((part) => part === isolation || part === name)) continue;
    const row = await measure(isolation, name);
    if (row.ratio > goal || row.failed > 0) isMissed = true;
    rows.push([
      isolation === "shared" ? "one" : "its own",
      name,
      ms(row.quietMs),
      ms(row.noisyMs),
      row.ratio.toFixed(2),
      `${row.failed} of ${row.calls}`,
      String(row.refused),
      String(row.served),
    ]);
    console.error(rows.at(-1)?.join("  "));
  }
console.log(
  `The quiet app makes 200 calls a second; ${rounds} pairs of turns of ${seconds} s; goal ${goal}, and no error`,
);
printTable(
  ["group", "noise", "p99 ms without", "with", "ratio", "failed", "noise refused/s", "served/s"],
  rows,
);
if (isMissed) process.exitCode = 1;

interface Row {
  readonly quietMs: number;
  readonly noisyMs: number;
  readonly ratio: number;
  readonly failed: number;
  readonly calls: number;
  readonly refused: number;
  readonly served: number;
}

async function measure(isolation: "shared" | "namespace", name: string): Promise<Row> {
  await using node = await startNode({ isolation, before: putDocuments });
  const quiet = putPod(node.api, { name: "quiet", namespace: "quiet", ip: "127.0.1.1" });
  const noisy = putPod(node.api, {
    name: "noisy",
    namespace: "noisy",
    ip: "127.0.1.2",
    annotations: { "dapr.io/config": "limited" },
  });
  for (const pod of [quiet, noisy]) await hosted(node, pod.ip, pod.token);
  const plan = (
    { ip, token }: typeof quiet,
    load: Omit<LoadPlan, "host" | "port" | "localAddress">,
  ): LoadPlan => ({
    ...load,
    host: hostIp,
    port: node.httpPort,
    localAddress: ip,
    requests: load.requests.map((request): PlannedRequest => ({
      ...request,
      headers: { ...request.headers, "dapr-api-token": token },
    })),
  });
  const calm = plan(quiet, {
    connections: 8,
    perSecond: 200,
    seconds,
    warmUpSeconds,
    requests: [
      { path: "/v1.0/state/store/k" },
      {
        method: "POST",
        path: "/v1.0/state/store",
        headers: json,
        body: '[{"key":"k","value":{"n":1}}]',
      },
    ],
  });
  const noise = plan(noisy, {
    ...(noises[name] as (typeof noises)[string]),
    seconds: seconds + warmUpSeconds,
  });
  await sendLoad({ ...calm, seconds: 2 });
  const without: LoadResult[] = [];
  const withIt: LoadResult[] = [];
  const noiseResults: LoadResult[] = [];
  for (let i = 0; i < rounds; i++) {
    without.push(await sendLoad(calm));
    const [heard, made] = await Promise.all([sendLoad(calm), sendLoad(noise)]);
    withIt.push(heard);
    noiseResults.push(made);
    await delay(500);
  }
  const all = [...without, ...withIt];
  const perSecond = (isServed: boolean): number =>
    Math.round(
      median(
        noiseResults.map((each) => {
          const refused = failuresOf(each, [200, 204]);
          return (isServed ? each.calls - refused : refused) / noise.seconds;
        }),
      ),
    );
  return {
    quietMs: median(without.map(({ p99Ms }) => p99Ms)),
    noisyMs: median(withIt.map(({ p99Ms }) => p99Ms)),
    ratio: median(withIt.map(({ p99Ms }, i) => p99Ms / (without[i] as LoadResult).p99Ms)),
    failed: all.reduce((sum, each) => sum + failuresOf(each, [200, 204]), 0),
    calls: all.reduce((sum, { calls }) => sum + calls, 0),
    refused: perSecond(false),
    served: perSecond(true),
  };
}

function putDocuments(api: MeasuredNode["api"]): void {
  for (const namespace of ["quiet", "noisy"]) {
    for (const [name, type] of [
      ["store", "state.in-memory"],
      ["bus", "pubsub.in-memory"],
    ])
      api.put({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Component",
        metadata: { namespace, name: name as string },
        spec: { type, version: "v1", metadata: [] },
      } as never);
  }
  api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Configuration",
    metadata: { namespace: "noisy", name: "limited", annotations: budget },
    spec: {},
  } as never);
}

async function hosted(node: MeasuredNode, ip: string, token: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answer = await callFrom(ip, node.httpPort, "/v1.0/state/store/k", { token });
    if (answer.status === 204) return;
    if (tries > 100) throw new Error(`${ip}: ${answer.status} ${answer.body}`);
    await delay(100);
  }
}
