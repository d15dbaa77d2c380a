/**
 * 50 Jobs on a real node with the chart in: each calls the API with its first instruction, publishes or reads state,
 * and ends with an exit code of its own.
 *
 *     node test/k8s/measure/real-jobs.ts [--jobs 50] [--at-once 10]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { installChart } from "../../cluster/tool/chart.ts";
import { startCluster } from "../../cluster/tool/cluster.ts";
import { appsImage, runtimeImage } from "../../cluster/tool/images.ts";
import { makeNamespaces } from "../../cluster/tool/shop.ts";
import { annotationsOf, component, job } from "../../cluster/tool/workloads.ts";
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

await using cluster = await startCluster({
  mode: "node",
  images: [await runtimeImage(), await appsImage()],
  ...slot,
});
await makeNamespaces(cluster, []);
await installChart(cluster);
await cluster.apply([component("store", "state.in-memory"), component("bus", "pubsub.in-memory")]);

/** What a Job's container runs; it says how long its call took and how often it had to repeat it. */
const script = `
const { request } = require("node:http");
const began = performance.now();
let tries = 0;
const isPublishing = process.env.DO === "publish";
const path = isPublishing ? "/v1.0/publish/bus/orders" : "/v1.0/state/store/k";
const call = () => {
  const headers = { "dapr-api-token": process.env.DAPR_API_TOKEN, "content-type": "application/json" };
  const method = isPublishing ? "POST" : "GET";
  const again = (why) => { console.error(String(why)); tries++; setTimeout(call, 20); };
  const sent = request(process.env.DAPR_HTTP_ENDPOINT + path, { method, headers }, (response) => {
    response.resume().once("end", () => {
      if (response.statusCode !== 204) return again(response.statusCode);
      console.log(JSON.stringify({ ms: performance.now() - began, tries }));
      process.exit(Number(process.env.CODE));
    });
  }).once("error", again);
  sent.end(isPublishing ? "{}" : undefined);
};
call();`;

const began = performance.now();
for (let from = 0; from < jobs; from += atOnce) {
  const names = Array.from({ length: Math.min(atOnce, jobs - from) }, (_, i) => from + i);
  await cluster.apply(
    names.map((i) =>
      job({
        name: `job-${i}`,
        command: ["node", "-e", script],
        annotations: annotationsOf(`job-${i}`),
        container: {
          env: [
            { name: "CODE", value: String(codeOf(i)) },
            { name: "DO", value: i % 2 === 0 ? "publish" : "read" },
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
  const { items } = await cluster.get<{ readonly items: readonly SeenPod[] }>("pods", "-n", "shop");
  return items.filter(({ status }) => ["Succeeded", "Failed"].includes(status.phase));
}
const pods = await endedPods();
const said = await Promise.all(
  pods.map(async ({ metadata: { name } }) => {
    const line = (await cluster.kubectl(["-n", "shop", "logs", name])).trim().split("\n").at(-1);
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
}>("jobs", "-n", "shop");
const has = (type: string): number =>
  seen.filter(({ status }) =>
    status.conditions?.some((each) => each.type === type && each.status === "True"),
  ).length;
const { p50Ms, p99Ms, mostMs } = percentiles(said.map((each) => each.ms));
const repeated = said.reduce((sum, { tries }) => sum + tries, 0);
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
  ],
);
if (own !== jobs || repeated > 0) process.exitCode = 1;
