/**
 * 5,000 pods through one runtime, each with an app id of its own: what is left of them in the supervisor and in the
 * group's process after a collection. Kubernetes is a double, the processes are real.
 *
 *     node bench/kubernetes/churn.ts [--pods 5000] [--at-once 50] [--step 1000]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { callFrom, putPod, type TestPod } from "#test/support/node-cluster.ts";
import { rssBytes } from "../process.ts";
import { mib, printTable } from "./support/figures.ts";
import type { Left } from "./support/probe.ts";
import { startBackend, startNode } from "./support/runtimes.ts";

const { values } = parseArgs({
  options: {
    pods: { type: "string", default: "5000" },
    "at-once": { type: "string", default: "50" },
    step: { type: "string", default: "1000" },
  },
});
const pods = Number(values.pods);
const atOnce = Number(values["at-once"]);
const step = Number(values.step);
/** Bytes of heap that may be left of a pod, since V8 does not count to the byte. */
const goalBytes = 256;

await using folder = await probeFolder();
await using backend = await startBackend();
await using node = await startNode({
  env: {
    MEASURE_PROBE_FOLDER: folder.path,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, "support/probe.ts")} --disable-warning=ExperimentalWarning`,
  },
  before: (api) => {
    for (const [name, type] of [
      ["store", "state.in-memory"],
      ["bus", "pubsub.in-memory"],
    ])
      api.put({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Component",
        metadata: { namespace: "shop", name: name as string },
        spec: { type, version: "v1", metadata: [] },
      } as never);
    api.put({
      apiVersion: "dapr.io/v2alpha1",
      kind: "Subscription",
      metadata: { namespace: "shop", name: "orders" },
      spec: { pubsubname: "bus", topic: "orders", routes: { default: "/orders" } },
    } as never);
    // It stays, and with it the group.
    putPod(api, { name: "stays", ip: "127.0.1.1" });
  },
});

interface Seen {
  readonly pods: number;
  readonly left: readonly Left[];
  readonly rss: readonly number[];
}
const seen: Seen[] = [];
let made = 0;
for (; made < pods;) {
  await wave();
  if (made % step === 0) seen.push(await look());
}
const names = ["supervisor", "group"];
printTable(
  ["pods so far", ...names.flatMap((name) => [`${name}: heap MiB`, "RSS MiB", "handles"])],
  seen.map(({ pods: count, left, rss }) => [
    count,
    ...left.flatMap(({ heapBytes, externalBytes, resources }, i) => [
      mib(heapBytes + externalBytes),
      mib(rss[i] ?? 0),
      Object.entries(resources)
        .map(([kind, times]) => `${times} ${kind}`)
        .join(", "),
    ]),
  ]),
);
const [first, last] = [seen[0], seen.at(-1)];
for (const [i, name] of names.entries()) {
  if (!first || !last || first === last) break;
  const grown = (of: Seen): number =>
    (of.left[i]?.heapBytes ?? 0) + (of.left[i]?.externalBytes ?? 0);
  const each = (grown(last) - grown(first)) / (last.pods - first.pods);
  console.log(`${name}: ${each.toFixed(0)} bytes are left of a pod (goal: ${goalBytes})`);
  if (each > goalBytes) process.exitCode = 1;
}

/** Pods come, call, are called, and go: half of them as Jobs do, by their end, and half by being deleted. */
async function wave(): Promise<void> {
  const wave: TestPod[] = Array.from({ length: atOnce }, (_, i) => {
    const annotations: Readonly<Record<string, string>> =
      i % 2 === 0 ? { "dapr.io/app-port": String(backend.port) } : {};
    return putPod(node.api, {
      name: `app-${made + i}`,
      ip: `127.0.${2 + Math.floor(i / 250)}.${(i % 250) + 1}`,
      annotations,
    });
  });
  await Promise.all(
    wave.map(async ({ ip, token }) => {
      for (let tries = 0; ; tries++) {
        const { status } = await callFrom(ip, node.httpPort, "/v1.0/state/store/k", { token });
        if (status === 204) return;
        // A retry is what a 503 asks for.
        if (status !== 503 || tries > 20) throw new Error(`${ip}: ${status}`);
        await delay(100);
      }
    }),
  );
  for (const [i, pod] of wave.entries()) {
    if (i % 3 === 0) pod.set({ phase: "Succeeded", ready: false });
    else pod.set({ ending: true });
  }
  for (const pod of wave) pod.remove();
  made += atOnce;
}

/** The supervisor's process and the group's, in this order. */
async function look(): Promise<Seen> {
  await delay(3000);
  const pids = node.pids();
  return {
    pods: made,
    left: await Promise.all(pids.map((pid) => ask(join(folder.path, `${pid}.sock`)))),
    rss: pids.map((pid) => rssBytes([pid])),
  };
}

function ask(path: string): Promise<Left> {
  return new Promise((resolve, reject) => {
    let text = "";
    connect(path)
      .setEncoding("utf8")
      .on("data", (chunk: string) => (text += chunk))
      .once("error", reject)
      .once("end", () => resolve(JSON.parse(text) as Left));
  });
}

async function probeFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "outrigger-probe-"));
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true });
    },
  };
}
