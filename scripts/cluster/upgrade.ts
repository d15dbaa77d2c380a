/** Replacing the runtime of a node while apps use it, and what they see of it. */
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import type { LoadOptions, LoadReport } from "../../test/support/load.ts";
import { systemNamespace } from "./chart.ts";
import type { SeenPod, Shop } from "./shop.ts";
import { annotationsOf, pod } from "./workloads.ts";

const chart = join(import.meta.dirname, "../../k8s/chart");

export interface LoadPod {
  /** Calls so far. */
  calls(): Promise<number>;
  /** Resolves when all calls have been made. */
  report(): Promise<LoadReport>;
}
/** A pod that makes so many calls; see `apps/load.ts`. */
export async function startLoad(
  shop: Shop,
  name: string,
  load: {
    readonly http: Partial<LoadOptions["http"]>;
    readonly grpc: Partial<LoadOptions["grpc"]>;
    readonly total: number;
  },
): Promise<LoadPod> {
  await shop.cluster.apply([
    pod({
      name,
      command: ["node", "/app/load.mjs"],
      annotations: annotationsOf(name),
      container: { env: [{ name: "LOAD", value: JSON.stringify(load) }] },
      spec: { restartPolicy: "Never" },
    }),
  ]);
  const lines = async (): Promise<readonly string[]> =>
    (await shop.log(`pod/${name}`, "--tail=2").catch(() => "")).trim().split("\n");
  const calls = async (): Promise<number> => Number.parseInt((await lines()).at(-1) ?? "", 10) || 0;
  await eventually(async () => (await calls()) > 0, { what: "the load", withinMs: 30_000 });
  return {
    calls,
    report: async () => {
      const { cluster } = shop;
      const until = "--for=jsonpath={.status.phase}=Succeeded";
      await cluster.kubectl(["-n", "shop", "wait", until, `pod/${name}`, "--timeout=240s"], {
        timeoutMs: 250_000,
      });
      return JSON.parse((await lines()).at(-1) ?? "") as LoadReport;
    },
  };
}

/** The runtime's pods that are not on their way out. */
export async function runtimePods(shop: Shop): Promise<readonly SeenPod[]> {
  const { items } = await shop.cluster.get<{ items: readonly SeenPod[] }>(
    "pods",
    `--namespace=${systemNamespace}`,
    "--selector=app.kubernetes.io/component=node",
  );
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** `helm upgrade` with a change of the runtime's pods; resolves when the former ones are gone. */
export async function upgrade(shop: Shop, values: object = {}): Promise<void> {
  const { cluster } = shop;
  const before = (await runtimePods(shop)).map(({ metadata }) => `pod/${metadata.name}`);
  const node = { podAnnotations: { "outrigger.test/upgraded": new Date().toISOString() } };
  await cluster.helm(
    ["upgrade", "outrigger", chart, "--namespace", systemNamespace].concat(
      "--reuse-values",
      "--values",
      "-",
    ),
    { input: JSON.stringify({ node, ...values }) },
  );
  const inSystem = ["--namespace", systemNamespace];
  await cluster.kubectl([...inSystem, "rollout", "status", "daemonset/outrigger-node"]);
  await cluster.kubectl([...inSystem, "wait", "--for=delete", ...before, "--timeout=60s"], {
    timeoutMs: 65_000,
  });
}

/** Who has been started anew, for comparison: every container of `shop` that is an app. */
export async function livesOf(shop: Shop, ...apps: readonly string[]): Promise<unknown> {
  const all = await Promise.all(apps.map((each) => shop.pods(each)));
  return all.flat().map(({ metadata, status }) => ({
    uid: metadata.uid,
    restarts: status.containerStatuses?.map(({ restartCount }) => restartCount),
  }));
}
