/** A real node with the chart installed, a namespace `shop`, and what a test does with its pods. */
import { join } from "node:path";
import { beforeAll } from "vitest";
import { eventually } from "../../support/eventually.ts";
import type { Cluster, Ran } from "./api.ts";
import { installChart } from "./chart.ts";
import { describeCluster } from "./describe.ts";
import { appsImage, runtimeImage } from "./images.ts";
import { tryRun } from "./run.ts";

export interface SeenPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly initContainers?: readonly SeenContainer[];
    readonly containers: readonly SeenContainer[];
    readonly volumes?: readonly { readonly name: string }[];
  };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly containerStatuses?: ReadonlyArray<{
      readonly ready: boolean;
      readonly restartCount: number;
      readonly state: {
        readonly terminated?: { readonly exitCode: number; readonly reason: string };
      };
    }>;
  };
}
export interface SeenContainer {
  readonly name: string;
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value?: string }>;
}
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of `text`. */
  json<T>(): T;
}
export interface Shop {
  readonly cluster: Cluster;
  /** Pods of `shop` with the label `app`, that are not being deleted. */
  pods(app: string): Promise<readonly SeenPod[]>;
  /** Waits until the Deployments of these names are available. */
  available(...names: readonly string[]): Promise<void>;
  /** A request to port 3000 of the app's first pod. Default time limit: 20 s. */
  ask(app: string, path: string, options?: AskOptions): Promise<Answer>;
  /** `outrigger k8s ...`, as somebody with a kubeconfig runs it. */
  k8s(...args: readonly string[]): Promise<Ran>;
  log(...what: readonly string[]): Promise<string>;
}
export interface AskOptions {
  /** Sent as JSON, by POST. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly timeoutMs?: number;
}

const namespace = "shop";

/** `describeCluster` with the chart in; namespaces are made before it, and may read the Secrets that `values` say. */
export async function describeShop(
  title: string,
  options: { readonly values?: object; readonly namespaces?: readonly string[] },
  body: (shop: () => Shop) => void,
): Promise<void> {
  const images = async (): Promise<string[]> => [await runtimeImage(), await appsImage()];
  await describeCluster(title, { mode: "node", images }, (cluster) => {
    let shop: Shop | undefined;
    beforeAll(async () => {
      await cluster().apply(
        [namespace, ...(options.namespaces ?? [])].map((name) => ({
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name },
        })),
      );
      await installChart(cluster(), options.values);
      shop = openShop(cluster());
    });
    body(() => {
      if (shop === undefined) throw new Error("The shop is not open yet: ask for it in a test");
      return shop;
    });
  });
}

export function openShop(cluster: Cluster): Shop {
  const inShop = ["--namespace", namespace];
  const shop: Shop = {
    cluster,
    pods: async (app) => {
      const { items } = await cluster.get<{ items: readonly SeenPod[] }>(
        "pods",
        ...inShop,
        `--selector=app=${app}`,
      );
      return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    },
    available: async (...names) => {
      await Promise.all(
        names.map((name) =>
          cluster.kubectl([...inShop, "rollout", "status", `deployment/${name}`]),
        ),
      );
    },
    ask: async (app, path, { body, headers, method, timeoutMs = 20_000 } = {}) => {
      const address = await eventually(
        async () => (await shop.pods(app)).find(({ status }) => status.podIP)?.status.podIP,
        { what: `a pod of ${app} with an address`, withinMs: 20_000 },
      );
      return request(`http://${address}:3000${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { "content-type": "application/json", ...headers },
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    },
    k8s: (...args) => {
      const program = join(import.meta.dirname, "../../../bin/outrigger.mjs");
      const command = [process.execPath, program, "k8s", ...args];
      return tryRun([...command, "--kubeconfig", cluster.kubeconfig]);
    },
    log: (...what) => cluster.kubectl([...inShop, "logs", ...what]),
  };
  return shop;
}

async function request(url: string, init: RequestInit): Promise<Answer> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  return { status: answer.status, text, json: <T>() => JSON.parse(text) as T };
}
