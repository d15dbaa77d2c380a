/**
 * What apps of a real node see while its runtime is replaced under load: a cluster of its own, the chart, one pod that
 * calls by HTTP (keep-alive) and gRPC at a steady rate, and upgrades one after another.
 *
 *     node scripts/build.ts && node bench/kubernetes/upgrade.ts [--calls 100000] [--rate 1000] [--upgrades 3]
 *
 * Fails unless every call succeeded, none took a break of 250 ms, and no app was started anew.
 */
import { isDeepStrictEqual, parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { installChart } from "../../scripts/cluster/chart.ts";
import { startCluster } from "../../scripts/cluster/cluster.ts";
import { appsImage, runtimeImage } from "../../scripts/cluster/images.ts";
import { makeNamespaces, openShop, place } from "../../scripts/cluster/shop.ts";
import { livesOf, startLoad, upgrade } from "../../scripts/cluster/upgrade.ts";
import { app, deployment } from "../../scripts/cluster/workloads.ts";
import { printTable } from "./support/figures.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "100000" },
    rate: { type: "string", default: "1000" },
    upgrades: { type: "string", default: "3" },
    connections: { type: "string", default: "50" },
    slot: { type: "string" },
  },
});
const goalMs = 250;
const total = Number(values.calls);
const rate = Number(values.rate);

await using cluster = await startCluster({
  mode: "node",
  images: [await runtimeImage(), await appsImage()],
  ...(values.slot === undefined ? {} : { slot: Number(values.slot) }),
});
await makeNamespaces(cluster, []);
await installChart(cluster);
const shop = openShop(cluster);
await cluster.apply([deployment(app("relay", { as: "orders" })), deployment(app("relay"))]);
await shop.available("orders", "relay");
await place(await shop.reach("relay"));
const before = await livesOf(shop, "orders", "relay");
const load = await startLoad(shop, "load", {
  http: {
    path: "/v1.0/invoke/orders/method/place",
    rate: rate * 0.8,
    connections: Number(values.connections),
  },
  grpc: { rate: rate * 0.2, channels: 4 },
  total,
});
for (let i = 0; i < Number(values.upgrades); i++) {
  await delay(5000);
  const from = await load.calls();
  await upgrade(shop);
  console.log(`upgrade ${i + 1}: calls ${from} to ${await load.calls()}`);
}
const report = await load.report();
const isSame = isDeepStrictEqual(await livesOf(shop, "orders", "relay"), before);
printTable(
  [
    "calls",
    "failed",
    "calls/s",
    "longest pause ms",
    "client stalled ms",
    "p99 ms",
    "longest ms",
    "apps started anew",
  ],
  [
    [
      `${report.calls}`,
      `${report.failed}`,
      (report.calls / report.seconds).toFixed(0),
      `${report.longestPauseMs}`,
      `${report.longestStallMs}`,
      `${report.p99Ms}`,
      `${report.longestMs}`,
      isSame ? "none" : "some",
    ],
  ],
);
console.log(`slowest call of each second, ms: ${report.slowestMs.join(" ")}`);
if (report.failed > 0) console.log(report.failures);
if (report.failed > 0 || report.longestPauseMs > goalMs || !isSame) process.exitCode = 1;
