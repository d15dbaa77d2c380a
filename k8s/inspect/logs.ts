import { lineOf, linesOf } from "./app-log.ts";
import { type AppPod, readAppPods } from "./app-pods.ts";
import { names, readRuntimePods } from "./cluster.ts";
import type { Asking } from "./read.ts";
import { valueOr } from "./read.ts";

export interface LogOptions {
  readonly appId: string;
  /** Absent: the app's, where there is one app of that id only. */
  readonly namespace?: string | undefined;
  /** The control plane's. */
  readonly controlPlane: string;
  readonly follow: boolean;
  /** Of each runtime's log, how many lines are looked through. */
  readonly tail: number;
  readonly form: "json" | "text";
}
/** Where lines about an app stand. */
interface Source {
  /** Shown before the lines where there are several. */
  readonly label: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}
/** As much of a log as is read when nothing is followed. */
const mostBytes = 64 * 1024 * 1024;

/**
 * Gives the lines that the runtimes wrote about an app, as they come. Rejects where there is no such app, or the
 * log of its runtime cannot be read.
 */
export async function readAppLog(
  asking: Asking,
  options: LogOptions,
  write: (line: string) => void,
): Promise<void> {
  const pods = await podsOf(asking, options);
  const namespace = pods[0]?.namespace ?? "";
  const sources = await sourcesOf(asking, pods, options.controlPlane);
  if (sources.length === 0)
    throw new Error(
      `No runtime serves app ${options.appId} in namespace ${namespace}; see outrigger k8s status`,
    );
  const several = sources.length > 1;
  await Promise.all(
    sources.map(async (source) => {
      const filter = { appId: options.appId, namespace };
      for await (const line of linesOf(await open(asking, source, options))) {
        const shown = lineOf(line, filter, options.form);
        if (shown === undefined) continue;
        write(several && options.form === "text" ? `${source.label}  ${shown}` : shown);
      }
    }),
  );
}

async function podsOf(
  asking: Asking,
  { appId, namespace }: LogOptions,
): Promise<readonly AppPod[]> {
  const found = await readAppPods(asking, namespace);
  if (found.is === "unknown") throw new Error(`Cannot list pods: ${found.why}`);
  const pods = valueOr(found, []).filter((pod) => pod.appId === appId);
  const namespaces = [...new Set(pods.map((pod) => pod.namespace))].sort();
  if (namespaces.length === 0)
    throw new Error(
      `There is no pod of an app ${JSON.stringify(appId)}${namespace === undefined ? "" : ` in namespace ${namespace}`}; see outrigger k8s apps`,
    );
  if (namespaces.length > 1)
    throw new Error(
      `App ${JSON.stringify(appId)} is in several namespaces (${namespaces.join(", ")}); choose one with --namespace`,
    );
  return pods;
}

async function sourcesOf(
  asking: Asking,
  pods: readonly AppPod[],
  controlPlane: string,
): Promise<readonly Source[]> {
  const sidecars = pods
    .filter(({ mode, node }) => (mode === "sidecar" || mode === "dapr") && node !== "")
    .map(({ namespace, pod }) => ({ label: pod, namespace, pod, container: "daprd" }));
  const nodes = new Set(pods.filter(({ mode }) => mode === "shared").map(({ node }) => node));
  nodes.delete("");
  if (nodes.size === 0) return sidecars;
  const runtimes = await readRuntimePods(asking, controlPlane);
  if (runtimes.is === "unknown") throw new Error(`Cannot list runtimes: ${runtimes.why}`);
  const shared = valueOr(runtimes, [])
    .filter(({ owner }) => owner === names.node)
    // A Deployment's runtimes serve apps of any node.
    .filter(({ node, isPerNode }) => node !== "" && (!isPerNode || nodes.has(node)))
    .map(({ name, node }) => ({
      label: node,
      namespace: controlPlane,
      pod: name,
      container: "outrigger",
    }));
  return [...sidecars, ...shared];
}

async function open(
  { client, signal }: Asking,
  { namespace, pod, container }: Source,
  { follow, tail }: LogOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const query = new URLSearchParams({
    tailLines: String(tail),
    ...(container === "" ? {} : { container }),
    ...(follow ? { follow: "true" } : { limitBytes: String(mostBytes) }),
  });
  return client.stream(
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query.toString()}`,
    { signal },
  );
}
