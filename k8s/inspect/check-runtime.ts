import { type Cluster, names, type RuntimePod } from "./cluster.ts";
import { count, type Finding, note, ok, problem, some, unknown } from "./finding.ts";
import { valueOr } from "./read.ts";

/** The DaemonSet (or the Deployment in its place), its pods, and which versions run. */
export function checkRuntime(cluster: Cluster): readonly Finding[] {
  const pods = valueOr(cluster.runtimes, []).filter(({ owner }) => owner.startsWith(names.node));
  return [...checkDaemonSet(cluster), ...checkPods(cluster, pods), ...checkVersions(pods)];
}

/** Nodes whose runtime is ready; `undefined` where there is no DaemonSet, so that nodes do not matter. */
export function servedNodes({ daemonSet, runtimes }: Cluster): ReadonlySet<string> | undefined {
  if (daemonSet.is !== "there" || runtimes.is !== "there") return undefined;
  return new Set(
    runtimes.value
      .filter(({ owner, ready }) => owner === names.node && ready)
      .map(({ node }) => node),
  );
}

function checkDaemonSet(cluster: Cluster): readonly Finding[] {
  const check = "runtime.daemonset";
  const { daemonSet, deployments, nodes, runtimes, namespace } = cluster;
  if (daemonSet.is === "unknown") return [unknown(check, daemonSet.why)];
  if (daemonSet.is === "absent") {
    const shared = valueOr(deployments, []).filter(({ metadata }) =>
      metadata.name?.startsWith(names.node),
    );
    if (shared.length === 0)
      return [
        problem(
          check,
          `no DaemonSet ${names.node} in namespace ${namespace}`,
          "install the chart, or name its namespace with --control-plane-namespace",
        ),
      ];
    return shared.map(({ metadata, spec, status }) => {
      const wanted = spec?.replicas ?? 1;
      const ready = status?.readyReplicas ?? 0;
      const text = `Deployment ${metadata.name}: ${ready} of ${wanted} ready`;
      return ready > 0
        ? ok("runtime.deployment", text)
        : problem("runtime.deployment", text, `kubectl -n ${namespace} describe pods`);
    });
  }
  const { desiredNumberScheduled: wanted = 0, numberReady = 0 } = daemonSet.value.status ?? {};
  const text = `DaemonSet ${names.node}: ready on ${numberReady} of ${count(wanted, "node")}`;
  const found = [
    numberReady >= wanted && wanted > 0
      ? ok(check, text)
      : problem(check, text, `kubectl -n ${namespace} describe daemonset ${names.node}`),
  ];
  if (nodes.is !== "there" || runtimes.is !== "there") return found;
  const there = new Set(
    runtimes.value.filter(({ owner }) => owner === names.node).map(({ node }) => node),
  );
  const without = nodes.value.filter(({ metadata }) => !there.has(metadata.name ?? ""));
  if (without.length > 0)
    found.push(
      note(
        "runtime.nodes",
        `no runtime on ${count(without.length, "node")}: ${some(
          without.map(({ metadata, spec }) => {
            const taints = (spec?.taints ?? []).map(({ key }) => key);
            return `${metadata.name}${taints.length > 0 ? ` (taints: ${taints.join(" ")})` : ""}`;
          }),
        )}; pods there are not served (chart values tolerations and nodeSelector)`,
      ),
    );
  return found;
}

function checkPods({ namespace }: Cluster, pods: readonly RuntimePod[]): readonly Finding[] {
  return pods.flatMap(({ name, node, ready, why, restarts }) => {
    const where = `${name} on ${node === "" ? "no node yet" : node}`;
    if (!ready)
      return [
        problem(
          "runtime.pod",
          `${where} is not ready${why === "" ? "" : `: ${why}`}`,
          why.includes("Image")
            ? "check image.repository, image.tag and imagePullSecrets of the chart"
            : `kubectl -n ${namespace} describe pod ${name}; kubectl -n ${namespace} logs ${name} --previous`,
        ),
      ];
    return restarts > 0
      ? [note("runtime.pod", `${where} has been restarted ${count(restarts, "time")}`)]
      : [];
  });
}

function checkVersions(pods: readonly RuntimePod[]): readonly Finding[] {
  const images = [...new Set(pods.map(({ image }) => image))].sort();
  if (images.length === 0) return [];
  return images.length === 1
    ? [ok("runtime.version", `runtime image ${images[0]}`)]
    : [
        note(
          "runtime.version",
          `runtimes have ${images.length} images (an upgrade is under way, or a namespace is pinned): ${some(images)}`,
        ),
      ];
}
