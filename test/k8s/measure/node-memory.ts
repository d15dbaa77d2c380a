/**
 * Memory of a node's runtime: the supervisor and its groups, with apps of pods that are addresses of this machine.
 *
 *     node test/k8s/measure/node-memory.ts [--apps 30] [--groups 1]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { kubeApi } from "#test/doubles/kube-api.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { callFrom, nodeName, putPod, type TestPod } from "#test/support/node-cluster.ts";

const { values } = parseArgs({
  options: {
    apps: { type: "string", default: "30" },
    groups: { type: "string", default: "1" },
    isolation: { type: "string", default: "namespace" },
  },
});
const apps = Number(values.apps);
const groups = Number(values.groups);
const [httpPort, grpcPort, healthPort, metricsPort] = [13500, 13501, 13502, 13503];

await using api = await kubeApi();
serveKinds(api);
const folder = await mkdtemp(join(tmpdir(), "outrigger-node-"));
await writeFile(
  join(folder, "kubeconfig"),
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: api.url } }],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  }),
);
const pods: TestPod[] = [];
const put = (i: number): void => {
  const namespace = `ns-${i % groups}`;
  pods.push(putPod(api, { name: `app-${i}`, namespace, ip: `127.0.1.${i + 1}` }));
};
for (let i = 0; i < groups; i++)
  for (const [name, type] of [
    ["store", "state.in-memory"],
    ["bus", "pubsub.in-memory"],
  ])
    api.put({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { namespace: `ns-${i}`, name: name as string },
      spec: { type, version: "v1", metadata: [] },
    } as never);
for (let i = 0; i < groups; i++) put(i);

const runtime = spawn(
  process.execPath,
  [
    join(import.meta.dirname, "../../../bin/outrigger.mjs"),
    "node",
    `--node-name=${nodeName}`,
    "--host-ip=127.0.0.1",
    `--isolation=${values.isolation}`,
    `--kubeconfig=${join(folder, "kubeconfig")}`,
    "--log-level=error",
    `--http-port=${httpPort}`,
    `--grpc-port=${grpcPort}`,
    `--health-port=${healthPort}`,
    `--metrics-port=${metricsPort}`,
  ],
  { stdio: ["ignore", "inherit", "inherit"] },
);
try {
  await ready();
  await callAll();
  const first = await settledMemory(runtime);
  print(`${groups} groups, ${pods.length} apps`, first);
  for (let i = groups; i < apps; i++) put(i);
  await delay(2000);
  await callAll();
  const all = await settledMemory(runtime);
  print(`${groups} groups, ${pods.length} apps`, all);
  const further = apps - groups;
  if (further > 0)
    console.log(`each further idle app: ${((all.total - first.total) / further).toFixed(2)} MiB`);
} finally {
  runtime.kill();
}

async function ready(): Promise<void> {
  for (;;) {
    const answer = await callFrom("127.0.0.1", healthPort as number, "/readyz").catch(
      () => undefined,
    );
    if (answer?.status === 200) return;
    await delay(50);
  }
}
async function callAll(): Promise<void> {
  for (const { ip, token } of pods) {
    const { status } = await callFrom(ip, httpPort as number, "/v1.0/state/store/k", { token });
    if (status !== 204) throw new Error(`${ip}: ${status}`);
  }
}
interface Memory {
  readonly processes: ReadonlyArray<{
    readonly name: string;
    readonly rss: number;
    readonly pss: number;
  }>;
  readonly total: number;
}
/** After the time in which an idle process gives memory back. */
async function settledMemory(of: ChildProcess): Promise<Memory> {
  await delay(25_000);
  const children = (await readFile(`/proc/${of.pid}/task/${of.pid}/children`, "utf8")).trim();
  const pids = [of.pid as number, ...children.split(" ").filter(Boolean).map(Number)];
  const processes = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
      const title = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").join(" ").trim();
      const mib = (field: string): number =>
        Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1024;
      return { name: title.slice(0, 40), rss: mib("Rss"), pss: mib("Pss") };
    }),
  );
  return { processes, total: processes.reduce((sum, { rss }) => sum + rss, 0) };
}
function print(what: string, { processes, total }: Memory): void {
  console.log(what);
  for (const { name, rss, pss } of processes)
    console.log(
      `  ${rss.toFixed(1).padStart(7)} MiB RSS ${pss.toFixed(1).padStart(7)} MiB PSS  ${name}`,
    );
  console.log(`  ${total.toFixed(1).padStart(7)} MiB RSS in all`);
}
