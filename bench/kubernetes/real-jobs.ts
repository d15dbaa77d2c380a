/**
 * 50 Jobs on a real node with the chart in, of two namespaces at once: each calls the API with its first instruction,
 * by HTTP or gRPC, and ends with an exit code of its own. The runtime's metrics say whether it let a call wait.
 *
 *     node bench/kubernetes/real-jobs.ts [--jobs 50] [--at-once 10]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { installChart } from "../../scripts/cluster/chart.ts";
import { startCluster } from "../../scripts/cluster/cluster.ts";
import { appsImage, runtimeImage } from "../../scripts/cluster/images.ts";
import { makeNamespaces } from "../../scripts/cluster/shop.ts";
import { annotationsOf, component, job } from "../../scripts/cluster/workloads.ts";
import { slot } from "./support/cluster-parts.ts";
import { ms, percentiles, printTable } from "./support/figures.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "50" },
    "at-once": { type: "string", default: "10" },
  },
});
const jobs = Number(values.jobs);
const atOnce = Number(values["at-once"]);
const codeOf = (i: number): number => i % 7;
const namespaceOf = (i: number): string => (i % 2 === 0 ? "shop" : "bank");

await using cluster = await startCluster({
  mode: "node",
  images: [await runtimeImage(), await appsImage()],
  ...slot,
});
const namespaces = ["shop", "bank"];
await makeNamespaces(cluster, ["bank"]);
await installChart(cluster);
await cluster.apply(
  namespaces.flatMap((namespace) => [
    component("store", "state.in-memory", {}, { namespace }),
    component("bus", "pubsub.in-memory", {}, { namespace }),
  ]),
);

/** What a Job's container runs; it says how long its call took and how often it had to repeat it. */
const script = `
const { request } = require("node:http");
const { connect } = require("node:http2");
const began = performance.now();
let tries = 0;
const again = (why) => { console.error(String(why)); tries++; setTimeout(call, 20); };
const done = () => {
  console.log(JSON.stringify({ ms: performance.now() - began, tries }));
  process.exit(Number(process.env.CODE));
};
const isPublishing = process.env.DO === "publish";
const path = isPublishing ? "/v1.0/publish/bus/orders" : "/v1.0/state/store/k";
const callHttp = () => {
  const headers = { "dapr-api-token": process.env.DAPR_API_TOKEN, "content-type": "application/json" };
  const method = isPublishing ? "POST" : "GET";
  const sent = request(process.env.DAPR_HTTP_ENDPOINT + path, { method, headers }, (response) => {
    response.resume().once("end", () => {
      if (response.statusCode !== 204) return again(response.statusCode);
      done();
    });
  }).once("error", again);
  sent.end(isPublishing ? "{}" : undefined);
};
// GetStateRequest { store_name: "store", key: "k" } behind its length.
const message = Buffer.from("000000000a0a0573746f726512016b", "hex");
const callRpc = () => {
  const { hostname } = new URL(process.env.DAPR_HTTP_ENDPOINT);
  const session = connect("http://" + hostname + ":" + process.env.DAPR_GRPC_PORT);
  const failed = (why) => { session.destroy(); again(why); };
  session.once("error", failed);
  const sent = session.request({
    ":method": "POST", ":path": "/dapr.proto.runtime.v1.Dapr/GetState", te: "trailers",
    "content-type": "application/grpc", "dapr-api-token": process.env.DAPR_API_TOKEN,
  });
  sent.once("error", () => {});
  let status = "none";
  const note = (headers) => (status = headers["grpc-status"] ?? status);
  sent.on("response", note).on("trailers", note);
  sent.resume().once("end", () => (status === "0" ? done() : failed("grpc-status " + status)));
  sent.end(message);
};
const call = process.env.DO === "rpc" ? callRpc : callHttp;
call();`;

const began = performance.now();
for (let from = 0; from < jobs; from += atOnce) {
  const names = Array.from({ length: Math.min(atOnce, jobs - from) }, (_, i) => from + i);
  await cluster.apply(
    names.map((i) =>
      job({
        name: `job-${i}`,
        namespace: namespaceOf(i),
        command: ["node", "-e", script],
        annotations: annotationsOf(`job-${i}`),
        container: {
          env: [
            { name: "CODE", value: String(codeOf(i)) },
            { name: "DO", value: ["publish", "rpc", "read"][i % 3] as string },
          ],
        },
      }),
    ),
  );
  for (const deadline = Date.now() + 180_000; (await endedPods()).length < from + names.length;) {
    if (Date.now() > deadline) throw new Error("The Jobs do not end");
    await delay(500);
  }
}
const seconds = (performance.now() - began) / 1000;

interface SeenPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses: ReadonlyArray<{
      readonly restartCount: number;
      readonly state: { readonly terminated?: { readonly exitCode: number } };
    }>;
  };
}
async function endedPods(): Promise<readonly SeenPod[]> {
  const { items } = await cluster.get<{ readonly items: readonly SeenPod[] }>("pods", "-A");
  return items.filter(
    ({ metadata: { namespace }, status }) =>
      namespaces.includes(namespace) && ["Succeeded", "Failed"].includes(status.phase),
  );
}
/** What the node's runtime says of calls that it let wait, by reason: how many, and how long in all. */
async function holds(): Promise<ReadonlyMap<string, { calls: number; seconds: number }>> {
  const { items } = await cluster.get<{
    readonly items: ReadonlyArray<{ readonly metadata: { readonly name: string } }>;
  }>("pods", "-n", "outrigger-system", "-l", "app.kubernetes.io/component=node");
  const sums = new Map<string, { calls: number; seconds: number }>();
  for (const { metadata } of items) {
    const path = `/api/v1/namespaces/outrigger-system/pods/${metadata.name}:9090/proxy/metrics`;
    const text = await cluster.kubectl(["get", "--raw", path]);
    for (const [, unit, reason, value] of text.matchAll(
      /^outrigger_held_(calls|seconds)_total\{reason="(\w+)".*\} (\S+)$/gm,
    )) {
      const sum = sums.get(reason as string) ?? { calls: 0, seconds: 0 };
      sum[unit as "calls" | "seconds"] += Number(value);
      sums.set(reason as string, sum);
    }
  }
  if (sums.size === 0) throw new Error("The runtime's metrics cannot be read");
  return sums;
}
const pods = await endedPods();
const said = await Promise.all(
  pods.map(async ({ metadata: { name, namespace } }) => {
    const line = (await cluster.kubectl(["-n", namespace, "logs", name])).trim().split("\n").at(-1);
    return JSON.parse(line ?? "") as { readonly ms: number; readonly tries: number };
  }),
);
const own = pods.filter(({ metadata, status }) => {
  const wanted = codeOf(Number(metadata.labels["app"]?.slice("job-".length)));
  const [container] = status.containerStatuses;
  return container?.state.terminated?.exitCode === wanted && container.restartCount === 0;
}).length;
const { items: seen } = await cluster.get<{
  readonly items: ReadonlyArray<{
    readonly status: {
      readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>;
    };
  }>;
}>("jobs", "-A");
const has = (type: string): number =>
  seen.filter(({ status }) =>
    status.conditions?.some((each) => each.type === type && each.status === "True"),
  ).length;
const { p50Ms, p99Ms, mostMs } = percentiles(said.map((each) => each.ms));
const repeated = said.reduce((sum, { tries }) => sum + tries, 0);
const held = await holds();
console.log(`${jobs} Jobs on a real node, ${atOnce} at a time, ${seconds.toFixed(1)} s in all`);
printTable(
  ["what", "value"],
  [
    ["pods that ended with their own exit code", own],
    ["Jobs complete, failed", `${has("Complete")}, ${has("Failed")}`],
    ["first call, p50 ms", ms(p50Ms)],
    ["p99 ms", ms(p99Ms)],
    ["longest ms", ms(mostMs)],
    ["calls that had to be repeated", repeated],
    ...[...held].map(([reason, { calls, seconds: all }]) => [
      `calls that the runtime let wait for ${reason}; ms in all`,
      `${calls}; ${ms(all * 1000)}`,
    ]),
  ],
);
const waited = [...held.values()].reduce((sum, { calls }) => sum + calls, 0);
if (own !== jobs || repeated > 0 || waited > 0) process.exitCode = 1;
