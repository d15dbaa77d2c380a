/**
 * 1,000 Job pods in waves, on a real API server with pretended nodes: every pod is admitted by a real injector, and
 * hosted and let go by the real runtime of its node; no process of a pod runs.
 *
 *     node bench/kubernetes/jobs.ts [--waves 10] [--pods 100]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { callFrom } from "#test/support/node-cluster.ts";
import { rssBytes, withChildren } from "../process.ts";
import { freePorts } from "../runtime.ts";
import { startCluster } from "../../scripts/cluster/cluster.ts";
import { annotationsOf, component, deployment, job } from "../../scripts/cluster/workloads.ts";
import { boundOf, openApi, slot, startInjector, webhookTimes } from "./support/cluster-parts.ts";
import { mib, printTable } from "./support/figures.ts";
import { end, hostIp, outrigger, untilAnswer, writeKubeconfig } from "./support/runtimes.ts";

const { values } = parseArgs({
  options: {
    waves: { type: "string", default: "10" },
    pods: { type: "string", default: "100" },
  },
});
const waves = Number(values.waves);
const podsOfWave = Number(values.pods);
const all = waves * podsOfWave;
const namespace = "jobs";
/** Longer than the runtime takes to find that it is idle, and to give memory back. */
const restMs = 25_000;

await using cluster = await startCluster({ mode: "kwok", kwokNodes: 2, ...slot });
const crds = join(import.meta.dirname, "../../k8s/manifests/crds.yaml");
await cluster.apply(await readFile(crds, "utf8"));
await cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
await cluster.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }]);
await cluster.apply([component("store", "state.in-memory", {}, { namespace })]);
await using injector = await startInjector(cluster);
await using first = await startNodeOf("kwok-0");
await using second = await startNodeOf("kwok-1");
const nodes = [first, second];
using api = await openApi(cluster);

// An app that stays, so that the group of the namespace is there all the time.
await cluster.apply([
  deployment({ name: "shop", namespace, command: ["app"], annotations: annotationsOf("shop") }, 4),
]);
await until(async () => (await hosted()) === 4, "the apps that stay are hosted");
const rssBefore = await restingMemory();
const before = await webhookTimes(api);
const began = performance.now();
for (let wave = 0; wave < waves; wave++) {
  const name = `wave-${wave}`;
  const counts = { completions: podsOfWave, parallelism: podsOfWave };
  const annotations = annotationsOf(name);
  await cluster.apply([job({ name, namespace, command: ["job"], annotations }, counts)]);
  await cluster.kubectl(
    ["-n", namespace, "wait", "--for=condition=Complete", `job/${name}`, "--timeout=120s"],
    { timeoutMs: 130_000 },
  );
}
const seconds = (performance.now() - began) / 1000;
await until(async () => (await hosted()) === 4, "the runtimes have let go of every Job's pod");
const after = await webhookTimes(api);
const rssAfter = await restingMemory();

interface SeenPod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly phase: string };
}
const { items } = await cluster.get<{ readonly items: readonly SeenPod[] }>(
  "pods",
  "-n",
  namespace,
  "-l",
  "batch.kubernetes.io/job-name",
);
const tokens = new Set(
  items.map(({ metadata }) => metadata.annotations?.["outrigger.dev/token-sha256"]),
);
tokens.delete(undefined);
const ended = items.filter(({ status }) => status.phase === "Succeeded").length;
const sum = (of: (node: (typeof nodes)[number]) => number): number =>
  nodes.reduce((total, node) => total + of(node), 0);
const times = {
  calls: after.calls - before.calls,
  within: new Map([...after.within].map(([k, v]) => [k, v - (before.within.get(k) ?? 0)])),
};
console.log(`${all} Job pods in ${waves} waves, ${seconds.toFixed(1)} s in all, two runtimes`);
printTable(
  ["what", "count"],
  [
    ["Job pods that ended", ended],
    ["with a token of their own, from the injector", tokens.size],
    ["hosted by the runtime of their node", sum(({ count }) => count("Hosting the app")) - 4],
    ["let go", sum(({ count }) => count("no more"))],
    ["hosted still", (await hosted()) - 4],
    ["errors in the runtimes' logs", sum(({ errors }) => errors.length)],
    ["admissions within 5 ms", times.within.get(0.005) ?? 0],
    ["admissions within 25 ms", times.within.get(0.025) ?? 0],
    ["admissions in all", times.calls],
    ["half of them within, ms", boundOf(times, 0.5) ?? "more"],
    ["99 % of them within, ms", boundOf(times, 0.99) ?? "more"],
    ["both runtimes with their groups before, MiB", mib(rssBefore)],
    ["and after, MiB", mib(rssAfter)],
    ["injector after, MiB", mib(rssBytes([injector.pid]))],
  ],
);
for (const { errors } of nodes) for (const line of errors.slice(0, 5)) console.log(line);
if (ended !== all || tokens.size !== all || sum(({ count }) => count("no more")) !== all)
  process.exitCode = 1;

interface RunningNode extends AsyncDisposable {
  readonly pid: number;
  readonly metricsPort: number;
  readonly errors: readonly string[];
  /** Log lines with that text. */
  count(text: string): number;
}

async function startNodeOf(name: string): Promise<RunningNode> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-measure-"));
  const kubeconfig = join(folder, "kubeconfig");
  const { server, caFile, adminToken } = cluster;
  await writeKubeconfig(
    kubeconfig,
    { server, "certificate-authority": caFile },
    { token: adminToken },
  );
  const [http, grpc, health, metricsPort] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const lines = new Map<string, number>();
  const errors: string[] = [];
  const child = outrigger(
    [
      "node",
      `--node-name=${name}`,
      `--host-ip=${hostIp}`,
      `--kubeconfig=${kubeconfig}`,
      `--http-port=${http}`,
      `--grpc-port=${grpc}`,
      `--health-port=${health}`,
      `--metrics-port=${metricsPort}`,
      "--log-as-json",
    ],
    {},
    (line) => {
      const { msg, level } = JSON.parse(line) as { readonly msg: string; readonly level: string };
      lines.set(msg, (lines.get(msg) ?? 0) + 1);
      if (level === "error" || level === "fatal") errors.push(line);
    },
  );
  await untilAnswer(child, health, "/readyz");
  return {
    pid: child.pid as number,
    metricsPort,
    errors,
    count: (text) =>
      [...lines].reduce((total, [line, times]) => total + (line.includes(text) ? times : 0), 0),
    [Symbol.asyncDispose]: async () => {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
}

/** Apps that the runtimes say they host. */
async function hosted(): Promise<number> {
  let total = 0;
  for (const { metricsPort } of nodes) {
    const { body } = await callFrom(hostIp, metricsPort, "/metrics");
    for (const found of body.matchAll(/^outrigger_group_apps\{.*\} (\d+)$/gm))
      total += Number(found[1]);
  }
  return total;
}
async function restingMemory(): Promise<number> {
  await delay(restMs);
  return rssBytes(withChildren(nodes.map(({ pid }) => pid)));
}
async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(100))
    if (await isSo()) return;
  throw new Error(`Not within a minute: ${what}`);
}
