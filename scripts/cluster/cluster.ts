/** Starts clusters, for tests and for the command line. */
import { join } from "node:path";
import type { Cluster, ClusterOptions, ClusterNode } from "./api.ts";
import { build, program } from "./build.ts";
import {
  type ControlPlane,
  apiServerReady,
  beginApiServer,
  beginControlPlane,
  finishControlPlane,
  killApiServer,
  logEnd,
} from "./control-plane.ts";
import { writeCredentials } from "./credentials.ts";
import { compactEtcd } from "./etcd.ts";
import { baseImage } from "./images.ts";
import { startKwok } from "./kwok.ts";
import { inNetwork, openNetwork } from "./network.ts";
import { beginNode, finishNode, importImage, onNode } from "./node.ts";
import type { NodePlaces, Places } from "./places.ts";
import { killNow } from "./processes.ts";
import { find } from "./requirements.ts";
import { run, tryRun } from "./run.ts";
import { clear, takeSlot } from "./slots.ts";

/** Nobody has to read what a start has to say. */
const silent = (): void => {};

/**
 * Builds what is missing, starts a cluster, and resolves when its API is ready and its nodes are Ready. `say` gets
 * a line for each part that took its time.
 */
export async function startCluster(
  options: ClusterOptions,
  say: (line: string) => void = silent,
): Promise<Cluster> {
  await build(options.mode, say);
  const places = await takeSlot(options.slot, options.keep ?? false);
  const endWithUs = (): void => killNow(places.folder);
  if (options.keep !== true) process.once("exit", endWithUs);
  const end = async (): Promise<void> => {
    await clear(places);
    process.off("exit", endWithUs);
  };
  try {
    return await start(places, options, say, end);
  } catch (reason) {
    await end();
    throw reason;
  }
}

async function start(
  places: Places,
  options: ClusterOptions,
  say: (line: string) => void,
  end: () => Promise<void>,
): Promise<Cluster> {
  const since = performance.now();
  const lap = (what: string): void =>
    say(`${what.padEnd(28)} ${((performance.now() - since) / 1000).toFixed(2).padStart(6)} s`);
  const nodes = nodesOf(places, options.mode);
  const [first] = nodes;
  if (first !== undefined) await openNetwork(places, nodes.length === 2 ? 2 : 1);
  const address = first?.ip ?? "127.0.0.1";
  const prefix = first === undefined ? [] : inNetwork(first);
  const credentials = await writeCredentials(places, address);
  const plane: ControlPlane = { places, credentials, address, prefix };
  lap("credentials");
  beginControlPlane(plane, options.apiServerFlags ?? []);
  const cluster = clusterOf(plane, nodes, options, end);
  // Images are imported while the API server, mostly waiting, starts.
  const waits = [
    readyToFinish(plane, nodes, lap),
    ...nodes.map((node) => bringImages(places, node, options.images ?? [], lap)),
  ];
  // All of them, so that what still runs of one does not meet a folder that is being removed.
  await Promise.allSettled(waits);
  await Promise.all(waits);
  if (options.mode === "kwok") {
    await startKwok(places, cluster, options.kwokNodes ?? 2);
    lap("pretended nodes Ready");
  }
  if (nodes.length > 0) {
    await waitForNodes(cluster, places, nodes);
    lap("real nodes Ready");
  }
  return cluster;
}

function nodesOf({ nodes }: Places, mode: ClusterOptions["mode"]): readonly NodePlaces[] {
  if (mode === "node2") return nodes;
  return mode === "node" ? [nodes[0]] : [];
}

async function readyToFinish(
  plane: ControlPlane,
  nodes: readonly NodePlaces[],
  lap: (what: string) => void,
): Promise<void> {
  await apiServerReady(plane);
  lap("API server ready");
  for (const node of nodes) await finishNode(node);
  await finishControlPlane(plane);
  lap("default ServiceAccount");
}

async function bringImages(
  places: Places,
  node: NodePlaces,
  images: readonly string[],
  lap: (what: string) => void,
): Promise<void> {
  const [base] = await Promise.all([baseImage(), beginNode(places, node)]);
  for (const image of [base, ...images]) await importImage(node, image);
  lap(`images on ${node.name}`);
}

async function waitForNodes(
  cluster: Cluster,
  places: Places,
  nodes: readonly NodePlaces[],
): Promise<void> {
  const names = nodes.map(({ name }) => `node/${name}`);
  // `--for=create` first: waiting for a condition of what is not there yet is an error.
  for (const condition of ["create", "condition=Ready"])
    await cluster
      .kubectl(["wait", `--for=${condition}`, ...names, "--timeout=60s"], { timeoutMs: 65_000 })
      .catch((reason: unknown) => {
        const logs = nodes.map(({ name }) => logEnd(places, `kubelet-${name}`, 3000));
        throw new Error(`${(reason as Error).message}\n${logs.join("\n")}`, { cause: reason });
      });
}

function clusterOf(
  plane: ControlPlane,
  nodes: readonly NodePlaces[],
  options: ClusterOptions,
  end: () => Promise<void>,
): Cluster {
  const { places, credentials } = plane;
  const kubeconfig = join(places.folder, "admin.kubeconfig");
  const kubectlProgram = find("kubectl") ?? "kubectl";
  const withConfig = (command: readonly string[]): readonly string[] => [
    ...command,
    `--kubeconfig=${kubeconfig}`,
  ];
  const nodeNamed = (name: string | undefined): NodePlaces => {
    const found = name === undefined ? nodes[0] : nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`This cluster has no real node "${name ?? ""}"`);
    return found;
  };
  const cluster: Cluster = {
    mode: options.mode,
    slot: places.slot,
    folder: places.folder,
    kubeconfig,
    server: credentials.server,
    caFile: join(places.pki, "ca.crt"),
    adminToken: credentials.adminToken,
    hostAddress: nodes.length === 0 ? "127.0.0.1" : places.hostAddress,
    nodes: nodes.map(({ name, ip, podCidr }): ClusterNode => ({ name, ip, podCidr })),
    kubectl: (args, given) => run([...withConfig([kubectlProgram]), ...args], given),
    tryKubectl: (args, given) => tryRun([...withConfig([kubectlProgram]), ...args], given),
    get: async <T>(...args: readonly string[]): Promise<T> =>
      JSON.parse(await cluster.kubectl(["get", ...args, "-o", "json"])) as T,
    apply: async (documents) => {
      const input =
        typeof documents === "string"
          ? documents
          : JSON.stringify({ apiVersion: "v1", kind: "List", items: documents });
      const flags = ["--server-side", "--force-conflicts", "--field-manager=test"];
      await cluster.kubectl(["apply", ...flags, "-f", "-"], { input });
    },
    helm: (args, given) => {
      const own = (name: string): string => join(places.folder, "helm", name);
      const env = {
        KUBECONFIG: kubeconfig,
        HELM_CACHE_HOME: own("cache"),
        HELM_CONFIG_HOME: own("config"),
        HELM_DATA_HOME: own("data"),
        ...given?.env,
      };
      return run([program("helm"), ...args], { timeoutMs: 120_000, ...given, env });
    },
    loadImage: async (archive) => {
      await Promise.all(nodes.map((node) => importImage(node, archive)));
    },
    nodeExec: async (node, command, given) =>
      run([...(await onNode(places, nodeNamed(node))), ...command], given),
    networkPrefix: (node) =>
      node === undefined && nodes.length === 0 ? [] : inNetwork(nodeNamed(node)),
    certificate: (names) => credentials.authority.issue("CN=test", names),
    stopApiServer: () => killApiServer(plane),
    startApiServer: async (flags = options.apiServerFlags ?? []) => {
      beginApiServer(plane, flags);
      await apiServerReady(plane);
    },
    compactHistory: () => compactEtcd(plane),
    logOf: async (component) => logEnd(places, component, 100_000),
    [Symbol.asyncDispose]: end,
  };
  return cluster;
}
