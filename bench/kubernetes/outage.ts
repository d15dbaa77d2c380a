/**
 * The API server away for half an hour: what apps of two real nodes see of it that go on calling each other, their
 * stores and their topics. Certificates come up for renewal in the middle; at the end a group is killed as well.
 *
 *     node scripts/build.ts && node bench/kubernetes/outage.ts [--minutes 30]
 *
 * Fails unless every call before the killing succeeded, and everything does once the API server is back.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { eventually } from "../../test/support/eventually.ts";
import type { ClusterNode } from "../../scripts/cluster/api.ts";
import { installChart } from "../../scripts/cluster/chart.ts";
import { startCluster } from "../../scripts/cluster/cluster.ts";
import { appsImage, runtimeImage } from "../../scripts/cluster/images.ts";
import { type Ask, makeNamespaces, openShop } from "../../scripts/cluster/shop.ts";
import { app, component, deployment } from "../../scripts/cluster/workloads.ts";
import { slot } from "./support/cluster-parts.ts";
import { ms, percentiles, printTable } from "./support/figures.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" } } });
const awayMs = Number(values.minutes) * 60_000;
const everyMs = 100;

await using cluster = await startCluster({
  mode: "node2",
  images: [await runtimeImage(), await appsImage()],
  ...slot,
});
const [first, second] = cluster.nodes as [ClusterNode, ClusterNode];
await makeNamespaces(cluster, []);
await installChart(cluster, {
  secrets: { namespaces: ["shop"] },
  // Renewed at half of it: in vain, and still good at the end.
  ca: { workloadCertTTL: `${Math.ceil((awayMs / 60_000) * 1.4) + 1}m` },
});
const on = ({ name }: ClusterNode): object => ({
  spec: { nodeSelector: { "kubernetes.io/hostname": name } },
});
const shop = openShop(cluster);
await cluster.apply([
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "database", namespace: "shop" },
    stringData: { file: ":memory:" },
  },
  component("store", "state.in-memory"),
  component("secretive", "state.sqlite", {
    connectionString: { name: "database", key: "file" },
  }),
  component("bus", "pubsub.in-memory"),
  deployment(app("relay", on(first))),
  deployment(app("relay", { as: "orders", ...on(second) })),
]);
await shop.available("relay", "orders");
const relay = await shop.reach("relay");

/** Rejects unless it is answered with success. */
const good = async (...asked: Parameters<Ask>): Promise<true> => {
  const { status, text } = await relay(...asked);
  if (status > 204) throw new Error(`${status} ${text}`);
  return true;
};
const calls: Readonly<Record<string, () => Promise<true>>> = {
  "an app of the other node, over mTLS": () =>
    good("/v1.0/invoke/orders/method/place", { body: { quantity: 1 } }),
  state: () => good("/v1.0/state/store", { body: [{ key: "a", value: 1 }] }),
  "state, with a Secret": () => good("/v1.0/state/secretive", { body: [{ key: "a", value: 1 }] }),
  "a topic": () => good("/v1.0/publish/bus/placed", { body: { total: 1 } }),
  "with a projected token": () => good("/v1.0/metadata", { headers: { "x-token": "file" } }),
};
interface Seen {
  readonly times: number[];
  readonly failures: Map<string, number>;
}
/** Makes them in turn until it is told to stop. */
function keepCalling(): { stop(): Promise<ReadonlyMap<string, Seen>> } {
  const seen = new Map<string, Seen>();
  const over = new AbortController();
  const ended = Promise.all(
    Object.entries(calls).map(async ([what, call]) => {
      const { times, failures } = { times: [] as number[], failures: new Map<string, number>() };
      seen.set(what, { times, failures });
      while (!over.signal.aborted) {
        const since = performance.now();
        await call().then(
          () => times.push(performance.now() - since),
          (reason: unknown) =>
            failures.set(String(reason), (failures.get(String(reason)) ?? 0) + 1),
        );
        await delay(everyMs);
      }
    }),
  );
  return {
    stop: async () => {
      over.abort();
      await ended;
      return seen;
    },
  };
}
const failedOf = ({ failures }: Seen): number => [...failures.values()].reduce((a, b) => a + b, 0);
function print(title: string, seen: ReadonlyMap<string, Seen>): void {
  console.log(`\n${title}`);
  printTable(
    ["calls", "made", "failed", "p50 ms", "p99 ms", "longest ms"],
    [...seen].map(([what, each]) => {
      const { p50Ms, p99Ms, mostMs } = percentiles(each.times);
      const failed = failedOf(each);
      return [what, each.times.length + failed, failed, ms(p50Ms), ms(p99Ms), ms(mostMs)];
    }),
  );
  for (const [what, { failures }] of seen)
    for (const [why, times] of failures) console.log(`${what}: ${times} times ${why}`);
}

for (const call of Object.values(calls)) await eventually(call, { withinMs: 20_000 });
await cluster.stopApiServer();
const running = keepCalling();
await delay(awayMs);
const away = await running.stop();
print(`${values.minutes} minutes without an API server`, away);

const killed = keepCalling();
await delay(1000);
await cluster.nodeExec(first.name, ["pkill", "-KILL", "-f", "^outrigger namespace/shop"]);
await delay(10_000);
print("and for 11 seconds, in which the group of one node is killed", await killed.stop());

const since = performance.now();
await cluster.startApiServer();
for (const call of Object.values(calls)) await eventually(call, { withinMs: 120_000 });
console.log(`\nAll is well ${((performance.now() - since) / 1000).toFixed(0)} s after its start`);
if ([...away.values()].some((each) => failedOf(each) > 0)) process.exitCode = 1;
