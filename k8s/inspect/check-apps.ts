import type { AppPod } from "./app-pods.ts";
import { servedNodes } from "./check-runtime.ts";
import type { Cluster } from "./cluster.ts";
import { count, type Finding, ok, problem, some, unknown } from "./finding.ts";

/** Annotated pods that get nothing of the runtime, and why. */
export function checkApps(cluster: Cluster): readonly Finding[] {
  const check = "apps";
  const { pods } = cluster;
  if (pods.is === "unknown") return [unknown(check, pods.why)];
  if (pods.is === "absent") return [];
  const alive = pods.value.filter(({ phase }) => phase === "Running" || phase === "Pending");
  const found = [...notInjected(alive), ...byDapr(alive), ...unserved(cluster, alive)];
  return found.length > 0
    ? found
    : [
        ok(
          check,
          alive.length === 0
            ? "no annotated pods"
            : `${count(alive.length, "annotated pod")}, each with a runtime`,
        ),
      ];
}

function notInjected(pods: readonly AppPod[]): readonly Finding[] {
  const missed = pods.filter(({ mode }) => mode === "none");
  if (missed.length === 0) return [];
  return [
    problem(
      "apps.injected",
      `${count(missed.length, "annotated pod")} came past the injector (made before the webhook was there, or in a namespace that it leaves out): ${list(missed)}`,
      "recreate them, for example with kubectl rollout restart",
    ),
  ];
}

function byDapr(pods: readonly AppPod[]): readonly Finding[] {
  const found = pods.filter(({ mode }) => mode === "dapr");
  if (found.length === 0) return [];
  return [
    problem(
      "apps.dapr",
      `${count(found.length, "pod")} got a sidecar of Dapr's own injector: ${list(found)}`,
      "once Dapr's injector is gone, recreate them with kubectl rollout restart",
    ),
  ];
}

function unserved(cluster: Cluster, pods: readonly AppPod[]): readonly Finding[] {
  const served = servedNodes(cluster);
  if (!served) return [];
  const found = pods.filter(
    ({ mode, node }) => mode === "shared" && node !== "" && !served.has(node),
  );
  if (found.length === 0) return [];
  const nodes = [...new Set(found.map(({ node }) => node))];
  return [
    problem(
      "apps.node",
      `${count(found.length, "pod")} on nodes without a ready runtime (${some(nodes)}): ${list(found)}`,
      "see the runtime's pods above; nodes with taints need tolerations in the chart's values",
    ),
  ];
}

function list(pods: readonly AppPod[]): string {
  return some(pods.map(({ namespace, pod }) => `${namespace}/${pod}`));
}
