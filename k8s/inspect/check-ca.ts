import { certificatesOf, checkDeployment, checkTime } from "./check-parts.ts";
import { type Cluster, names } from "./cluster.ts";
import { type Finding, note, problem, unknown } from "./finding.ts";

/** The authority of mTLS between runtimes, where there is one, and the roots that everybody trusts. */
export function checkCa(cluster: Cluster): readonly Finding[] {
  const { deployments } = cluster;
  const isThere =
    deployments.is !== "there" ||
    deployments.value.some(({ metadata }) => metadata.name === names.ca);
  if (!isThere)
    return [
      note("ca.deployment", `no Deployment ${names.ca}: calls between nodes are not encrypted`),
    ];
  return [checkDeployment(cluster, names.ca, "ca.deployment"), checkRoots(cluster)];
}

function checkRoots({ roots, now, namespace }: Cluster): Finding {
  const check = "ca.roots";
  if (roots.is === "unknown") return unknown(check, roots.why);
  const pem = (roots.is === "there" && roots.value.data?.["ca.crt"]) || "";
  if (pem === "")
    return problem(
      check,
      `ConfigMap ${names.roots} has no ca.crt: runtimes get no certificates`,
      `the authority writes it at its start; kubectl -n ${namespace} logs deployment/${names.ca}`,
    );
  try {
    // The newest counts: the one before it is trusted until it is gone.
    const [newest] = certificatesOf(pem).toSorted(
      (a, b) => b.validToDate.getTime() - a.validToDate.getTime(),
    );
    if (newest)
      return checkTime(
        check,
        "the root certificate",
        newest,
        now,
        "outrigger ca rotate-root begins a new one",
      );
  } catch {
    // Said below.
  }
  return problem(
    check,
    `ca.crt of ConfigMap ${names.roots} holds no certificate`,
    `kubectl -n ${namespace} rollout restart deployment/${names.ca}`,
  );
}
