import { checkApps } from "./check-apps.ts";
import { checkCa } from "./check-ca.ts";
import { checkInjector } from "./check-injector.ts";
import { checkResources } from "./check-resources.ts";
import { checkRuntime } from "./check-runtime.ts";
import { readCluster } from "./cluster.ts";
import type { Finding } from "./finding.ts";
import { probeRights } from "./probe-rights.ts";
import { probeWebhook } from "./probe-webhook.ts";
import type { Asking } from "./read.ts";
import { valueOr } from "./read.ts";

/** What `outrigger k8s status` tells. */
export interface ClusterReport {
  readonly server: string;
  readonly kubernetes: string;
  readonly namespace: string;
  /** False: there is a problem. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/** Reads a cluster and judges it. Rejects where the API server does not answer. */
export async function inspectCluster(
  asking: Asking,
  options: {
    /** The control plane's. */
    readonly namespace: string;
    readonly now: number;
    /** Where the dry run is made; default: a namespace that has apps, else `default`. */
    readonly probeNamespace?: string | undefined;
  },
): Promise<ClusterReport> {
  const cluster = await readCluster(asking, options);
  const findings: Finding[] = [
    ...checkRuntime(cluster),
    ...checkInjector(cluster),
    ...checkCa(cluster),
    ...checkResources(cluster),
    ...checkApps(cluster),
  ];
  const isRegistered = findings.some(
    ({ check, level }) => check === "injector.webhook" && level === "ok",
  );
  if (isRegistered) {
    const first = valueOr(cluster.pods, [])[0]?.namespace;
    const namespace = options.probeNamespace ?? first ?? "default";
    findings.push(await probeWebhook(asking, { namespace, controlPlane: options.namespace }));
  }
  findings.push(await probeRights(asking, cluster));
  return {
    server: cluster.server,
    kubernetes: valueOr(cluster.version, {}).gitVersion ?? "",
    namespace: options.namespace,
    ok: findings.every(({ level }) => level !== "problem"),
    findings,
  };
}
