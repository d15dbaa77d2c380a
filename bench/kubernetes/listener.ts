/**
 * What it costs that apps share a listener: the same call over the port of a node's runtime, which finds out whose it
 * is, and over the port that `outrigger sidecar` has for one app alone. In turns.
 *
 *     node bench/kubernetes/listener.ts [--rounds 8] [--seconds 3] [--apps 1]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { callFrom, putPod } from "#test/support/node-cluster.ts";
import { cpuMicros } from "../process.ts";
import { median, ms, printTable } from "./support/figures.ts";
import { failuresOf, type LoadResult, type PlannedRequest, sendLoad } from "./support/load.ts";
import { hostIp, startBackend, startNode, startSidecar } from "./support/runtimes.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "3" },
    apps: { type: "string", default: "30" },
    connections: { type: "string", default: "16" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const goal = 1.15;

await using backend = await startBackend();
const store = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { namespace: "shop", name: "store" },
  spec: { type: "state.in-memory", version: "v1", metadata: [] },
};
await using node = await startNode({ before: (api) => void api.put(store) });
const annotations = { "dapr.io/app-port": String(backend.port) };
const pod = putPod(node.api, { name: "cart", ip: "127.0.1.1", annotations });
// Others, so that there is somebody to be told apart from.
for (let i = 2; i <= Number(values.apps); i++)
  putPod(node.api, { name: `other-${i}`, ip: `127.0.1.${i}` });
await using sidecar = await startSidecar({
  appId: "cart",
  appPort: backend.port,
  apiToken: pod.token,
  resources: [store],
});

const headers = { "dapr-api-token": pod.token, "content-type": "application/json" };
const value = JSON.stringify([{ key: "k", value: { name: "tea", pieces: 3 } }]);
for (const port of [node.httpPort, sidecar.httpPort])
  await eventually(port, "/v1.0/state/store", { method: "POST", body: value });
for (const port of [node.httpPort, sidecar.httpPort])
  await eventually(port, "/v1.0/invoke/cart/method/hello", {});
const requests: Readonly<Record<string, PlannedRequest>> = {
  "state get, in memory": { path: "/v1.0/state/store/k", headers },
  "state save, in memory": { method: "POST", path: "/v1.0/state/store", headers, body: value },
  invoke: { path: "/v1.0/invoke/cart/method/hello", headers },
};

interface Turn {
  readonly cpu: number;
  readonly load: LoadResult;
}
const rows: string[][] = [];
let isMissed = false;
for (const [name, request] of Object.entries(requests)) {
  await turn(node.httpPort, node.pids(), request);
  await turn(sidecar.httpPort, sidecar.pids, request);
  const shared: Turn[] = [];
  const own: Turn[] = [];
  for (let i = 0; i < rounds; i++) {
    const first = async (): Promise<unknown> =>
      shared.push(await turn(node.httpPort, node.pids(), request));
    const second = async (): Promise<unknown> =>
      own.push(await turn(sidecar.httpPort, sidecar.pids, request));
    // Now this one first, now that: whatever the machine does by and by meets both.
    for (const each of i % 2 === 0 ? [first, second] : [second, first]) await each();
  }
  const ratio = (of: (turn: Turn) => number): number =>
    median(shared.map((each, i) => of(each) / of(own[i] as Turn)));
  const cpu = ratio((each) => each.cpu);
  const p50 = ratio((each) => each.load.p50Ms);
  if (cpu > goal || p50 > goal) isMissed = true;
  rows.push([
    name,
    ...[shared, own].map((turns) => median(turns.map((each) => each.cpu)).toFixed(1)),
    cpu.toFixed(2),
    ...[shared, own].map((turns) => ms(median(turns.map((each) => each.load.p50Ms)))),
    p50.toFixed(2),
    ratio((each) => each.load.p99Ms).toFixed(2),
  ]);
}
console.log(
  `One app of ${values.apps} calls, ${values.connections} connections, ${rounds} pairs of turns of ${seconds} s; goal ${goal}`,
);
printTable(
  ["call", "CPU µs shared", "own port", "ratio", "p50 ms shared", "own port", "ratio", "p99 ratio"],
  rows,
);
if (isMissed) process.exitCode = 1;

async function turn(port: number, pids: readonly number[], request: PlannedRequest): Promise<Turn> {
  const before = cpuMicros(pids);
  const load = await sendLoad({
    host: hostIp,
    port,
    localAddress: pod.ip,
    connections: Number(values.connections),
    requests: [request],
    seconds,
  });
  if (failuresOf(load, [200, 204]) > 0) throw new Error(JSON.stringify(load.statuses));
  return { cpu: (cpuMicros(pids) - before) / load.calls, load };
}

async function eventually(
  port: number,
  path: string,
  options: { readonly method?: string; readonly body?: string },
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { status, body } = await callFrom(pod.ip, port, path, {
      token: pod.token,
      headers: { "content-type": "application/json" },
      ...options,
    });
    if (status < 300) return;
    if (tries > 100) throw new Error(`${path}: ${status} ${body}`);
    await delay(100);
  }
}
