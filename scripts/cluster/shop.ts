/** A namespace `shop` of a cluster with the chart in, and what a test does with its pods. */
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import type { Cluster, Ran } from "./api.ts";
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
  /** Port 3000 of the app's first pod, from now on without the API server. */
  reach(app: string, port?: number): Promise<Ask>;
  /** One request there. */
  ask(app: string, ...request: Parameters<Ask>): ReturnType<Ask>;
  /** `outrigger k8s ...`, as somebody with a kubeconfig runs it. */
  k8s(...args: readonly string[]): Promise<Ran>;
  log(...what: readonly string[]): Promise<string>;
}
/** Default time limit: 20 s. */
export type Ask = (path: string, options?: AskOptions) => Promise<Answer>;
export interface AskOptions {
  /** Sent as JSON, by POST. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly timeoutMs?: number;
}

/** Where apps are, unless another namespace is named. */
const usual = "shop";

/** The namespaces first, since the chart may be told to read their Secrets. */
export async function makeNamespaces(
  cluster: Pick<Cluster, "apply">,
  names: readonly string[],
): Promise<void> {
  const kind = { apiVersion: "v1", kind: "Namespace" };
  await cluster.apply([usual, ...names].map((name) => ({ ...kind, metadata: { name } })));
}

export function openShop(cluster: Cluster, namespace: string = usual): Shop {
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
    reach: async (app, port = 3000) => {
      const address = await eventually(
        async () => (await shop.pods(app)).find(({ status }) => status.podIP)?.status.podIP,
        { what: `a pod of ${app} with an address`, withinMs: 20_000 },
      );
      return (path, { body, headers, method, timeoutMs = 20_000 } = {}) =>
        request(`http://${address}:${port}${path}`, {
          method: method ?? (body === undefined ? "GET" : "POST"),
          headers: { "content-type": "application/json", ...headers },
          signal: AbortSignal.timeout(timeoutMs),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
    },
    ask: async (app, ...asked) => (await shop.reach(app))(...asked),
    k8s: (...args) => {
      const program = join(import.meta.dirname, "../../bin/outrigger.mjs");
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

/** A call of `orders` by the pod of an app made of `relay`; rejects unless it works. */
export async function place(relay: Ask): Promise<{ readonly by: string }> {
  const answer = await relay("/v1.0/invoke/orders/method/place", {
    body: { quantity: 1, price: 1 },
  });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json();
}

/** Does so without a break until it is told to stop, and then says what went wrong. */
export function keepPlacing(relay: Ask): {
  stop(): Promise<{ readonly calls: number; readonly failed: readonly string[] }>;
} {
  const failed: string[] = [];
  let isOver = false;
  let calls = 0;
  const ended = (async () => {
    for (; !isOver; calls++)
      await place(relay).catch((reason: unknown) => void failed.push(String(reason)));
  })();
  return {
    stop: async () => {
      isOver = true;
      await ended;
      return { calls, failed };
    },
  };
}
