/** What a measurement needs around a cluster: the injector as a webhook by URL, and a fast client of the API. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../runtime.ts";
import type { Cluster } from "../../../scripts/cluster/api.ts";
import { end, outrigger, untilAnswer } from "./runtimes.ts";

/** The slot that is asked for, as the cluster's tool has it; else the first free one. */
export const slot: { readonly slot?: number } =
  process.env["OUTRIGGER_CLUSTER_SLOT"] === undefined
    ? {}
    : { slot: Number(process.env["OUTRIGGER_CLUSTER_SLOT"]) };

export interface Injector extends AsyncDisposable {
  readonly pid: number;
}

/** Runs on this machine; the API server calls it at its address, for the annotated pods of all namespaces. */
export async function startInjector(
  cluster: Pick<Cluster, "certificate" | "caFile" | "hostAddress" | "apply" | "kubectl">,
  args: readonly string[] = [],
): Promise<Injector> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-measure-"));
  const { cert, key } = await cluster.certificate({ ip: [cluster.hostAddress] });
  await writeFile(join(folder, "tls.crt"), cert);
  await writeFile(join(folder, "tls.key"), key, { mode: 0o600 });
  const [port, healthPort] = (await freePorts(2)) as [number, number];
  const child = outrigger([
    "injector",
    `--cert-dir=${folder}`,
    `--port=${port}`,
    `--health-port=${healthPort}`,
    "--log-level=error",
    ...args,
  ]);
  await untilAnswer(child, healthPort, "/readyz");
  const caBundle = (await readFile(cluster.caFile)).toString("base64");
  await cluster.apply([webhook(`https://${cluster.hostAddress}:${port}/mutate`, caBundle)]);
  return {
    pid: child.pid as number,
    [Symbol.asyncDispose]: async () => {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
}

/** As the chart has it, but for the address. */
function webhook(url: string, caBundle: string): object {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "outrigger-injector" },
    webhooks: [
      {
        name: "injector.outrigger.dev",
        admissionReviewVersions: ["v1"],
        clientConfig: { url, caBundle },
        rules: [
          { apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] },
        ],
        matchConditions: [
          {
            name: "is-annotated",
            expression:
              "has(object.metadata.annotations) && 'dapr.io/enabled' in object.metadata.annotations",
          },
        ],
        failurePolicy: "Fail",
        sideEffects: "None",
        reinvocationPolicy: "IfNeeded",
        timeoutSeconds: 10,
      },
    ],
  };
}

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}
export interface Api extends Disposable {
  /** `since`: the moment from which it is timed. */
  ask(method: string, path: string, body?: object, since?: number): Promise<Answered>;
}

/** Over connections that are kept, as a controller has them. */
export async function openApi(
  cluster: Pick<Cluster, "server" | "caFile" | "adminToken">,
  connections = 32,
): Promise<Api> {
  const ca = await readFile(cluster.caFile, "utf8");
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  return {
    ask: (method, path, body, since = performance.now()) =>
      new Promise((resolve, reject) => {
        const sent = request(
          cluster.server + path,
          {
            agent,
            method,
            headers: {
              authorization: `Bearer ${cluster.adminToken}`,
              ...(body ? { "content-type": "application/json" } : {}),
            },
          },
          (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (chunk: string) => (text += chunk));
            response.once("error", reject);
            response.once("end", () =>
              resolve({ status: response.statusCode ?? 0, text, ms: performance.now() - since }),
            );
          },
        );
        sent.once("error", reject);
        sent.end(body && JSON.stringify(body));
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** What the API server itself counts of a webhook's calls: how many took at most so many seconds. */
export interface WebhookTimes {
  readonly calls: number;
  readonly within: ReadonlyMap<number, number>;
}
export async function webhookTimes(api: Api): Promise<WebhookTimes> {
  const { text } = await api.ask("GET", "/metrics");
  const name = "apiserver_admission_webhook_admission_duration_seconds";
  const within = new Map<number, number>();
  let calls = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(name) || !line.includes('name="injector.outrigger.dev"')) continue;
    const value = Number(line.slice(line.lastIndexOf(" ")));
    const bound = /le="([^"]+)"/.exec(line)?.[1];
    if (bound !== undefined && bound !== "+Inf")
      within.set(Number(bound), (within.get(Number(bound)) ?? 0) + value);
    else if (line.startsWith(`${name}_count`)) calls += value;
  }
  return { calls, within };
}
/** The smallest bound that the API server knows and that so large a share of the calls stayed within, in ms. */
export function boundOf({ calls, within }: WebhookTimes, share: number): number | undefined {
  for (const [bound, count] of [...within].sort(([a], [b]) => a - b))
    if (count >= calls * share) return bound * 1000;
  return undefined;
}
