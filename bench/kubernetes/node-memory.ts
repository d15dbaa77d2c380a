/**
 * Memory of a node's runtime: the supervisor and its groups, with apps of pods that are addresses of this machine.
 *
 *     node bench/kubernetes/node-memory.ts [--apps 30] [--groups 10] [--only idle,used,load,groups]
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { KubeApiDouble } from "#test/doubles/kube-api.ts";
import { callFrom, putPod, type TestPod } from "#test/support/node-cluster.ts";
import { printTable } from "./support/figures.ts";
import { failuresOf, sendLoad } from "./support/load.ts";
import { hostIp, type MeasuredNode, startBackend, startNode } from "./support/runtimes.ts";

const { values } = parseArgs({
  options: {
    apps: { type: "string", default: "30" },
    groups: { type: "string", default: "10" },
    only: { type: "string", default: "idle,used,load,groups" },
  },
});
const apps = Number(values.apps);
const groups = Number(values.groups);
/** An idle process gives memory back in this time. */
const restMs = 25_000;
/** What Dapr's documents say of an idle daprd in Kubernetes, in MB, and what one took on a machine like this one. */
const daprd = { published: [33, 36], measured: 87 };

await using backend = await startBackend();
const rows: string[][] = [];
const wanted = new Set(values.only.split(","));
let one: Memory | undefined;
if (wanted.has("idle")) {
  await using node = await startNode({ before: (api) => putStores(api, 1) });
  await callAll(node, [put(node.api, 0, 1, false)]);
  const first = await restingMemory(node);
  const pods = Array.from({ length: apps - 1 }, (_, i) => put(node.api, i + 1, 1, false));
  await callAll(node, pods);
  one = await restingMemory(node);
  rows.push(row("1 app that only calls, 1 group", first), row(`${apps} such apps`, one));
  const each = (one.rss - first.rss) / (apps - 1);
  rows.push(["each further idle app", each.toFixed(2), "", "", ""]);
}
if (wanted.has("used") || wanted.has("load")) {
  await using node = await startNode({
    before: (api) => {
      putStores(api, 1);
      for (let i = 0; i < apps; i++) putUses(api, i);
    },
  });
  const pods = Array.from({ length: apps }, (_, i) => put(node.api, i, 1, true));
  await callAll(node, pods);
  rows.push(row(`${apps} apps with a subscription and a binding each`, await restingMemory(node)));
  if (wanted.has("load")) {
    const [{ ip, token }] = pods as [TestPod];
    const sent = await sendLoad({
      host: hostIp,
      port: node.httpPort,
      localAddress: ip,
      connections: 32,
      seconds: 10,
      requests: [
        { path: "/v1.0/state/store/k", headers: { "dapr-api-token": token } },
        { path: "/v1.0/invoke/app-1/method/x", headers: { "dapr-api-token": token } },
      ],
    });
    if (failuresOf(sent, [200, 204]) > 0) throw new Error(JSON.stringify(sent.statuses));
    rows.push(row(`the same under load (${sent.perSecond} calls/s)`, await memory(node)));
    rows.push(row("and at rest after it", await restingMemory(node)));
  }
}
if (wanted.has("groups")) {
  await using node = await startNode({ before: (api) => putStores(api, groups) });
  const pods = Array.from({ length: apps }, (_, i) => put(node.api, i, groups, false));
  await callAll(node, pods);
  const all = await restingMemory(node);
  rows.push(row(`${apps} apps in ${groups} groups`, all));
  if (one) {
    const each = (of: keyof Memory): string =>
      (((all[of] as number) - ((one as Memory)[of] as number)) / (groups - 1)).toFixed(1);
    rows.push(["each further group", each("rss"), each("pss"), "", ""]);
  }
}
printTable(["what", "RSS, MiB", "PSS, MiB", "supervisor RSS", "a group's RSS"], rows);
console.log(
  `${apps} daprds: ${daprd.published.map((mb) => mb * apps).join(" to ")} MB by their published ${daprd.published.join(" to ")} MB when idle; ${((daprd.measured * apps) / 1000).toFixed(1)} GB as measured on such a machine`,
);

function put(api: KubeApiDouble, i: number, of: number, isCalled: boolean): TestPod {
  return putPod(api, {
    name: `app-${i}`,
    namespace: `ns-${i % of}`,
    ip: `127.0.1.${i + 1}`,
    annotations: isCalled ? { "dapr.io/app-port": String(backend.port) } : {},
  });
}
function putStores(api: KubeApiDouble, namespaces: number): void {
  for (let i = 0; i < namespaces; i++)
    for (const [name, type] of [
      ["store", "state.in-memory"],
      ["bus", "pubsub.in-memory"],
    ] as const)
      putComponent(api, `ns-${i}`, name, type);
}
/** A subscription and a binding of its own. */
function putUses(api: KubeApiDouble, i: number): void {
  const every = [{ name: "schedule", value: "@every 1h" }];
  putComponent(api, "ns-0", `timer-${i}`, "bindings.cron", every, [`app-${i}`]);
  api.put({
    apiVersion: "dapr.io/v2alpha1",
    kind: "Subscription",
    metadata: { namespace: "ns-0", name: `orders-${i}` },
    spec: { pubsubname: "bus", topic: `orders-${i}`, routes: { default: "/orders" } },
    scopes: [`app-${i}`],
  } as never);
}
function putComponent(
  api: KubeApiDouble,
  namespace: string,
  name: string,
  type: string,
  metadata: readonly object[] = [],
  scopes?: readonly string[],
): void {
  api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace, name },
    spec: { type, version: "v1", metadata },
    ...(scopes ? { scopes } : {}),
  } as never);
}

async function callAll(node: MeasuredNode, pods: readonly TestPod[]): Promise<void> {
  for (const { ip, token } of pods) {
    const { status } = await callFrom(ip, node.httpPort, "/v1.0/state/store/k", { token });
    if (status !== 204) throw new Error(`${ip}: ${status}`);
  }
}

interface Memory {
  readonly rss: number;
  readonly pss: number;
  readonly supervisor: number;
  /** Of the largest. */
  readonly group: number;
}
async function restingMemory(node: MeasuredNode): Promise<Memory> {
  await delay(restMs);
  return memory(node);
}
/** In MiB. PSS shares out what several processes have in common, as the pages of the program. */
async function memory(node: MeasuredNode): Promise<Memory> {
  const all = await Promise.all(
    node.pids().map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
      const of = (field: string): number =>
        Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1024;
      return { rss: of("Rss"), pss: of("Pss") };
    }),
  );
  const [supervisor, ...others] = all;
  return {
    rss: all.reduce((sum, each) => sum + each.rss, 0),
    pss: all.reduce((sum, each) => sum + each.pss, 0),
    supervisor: supervisor?.rss ?? 0,
    group: Math.max(...others.map(({ rss }) => rss)),
  };
}
function row(what: string, { rss, pss, supervisor, group }: Memory): string[] {
  return [what, ...[rss, pss, supervisor, group].map((each) => each.toFixed(1))];
}
