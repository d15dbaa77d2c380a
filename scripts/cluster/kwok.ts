/** Pretended nodes, by kwok: their pods go through the phases that real ones do, and no process runs. */
import { join } from "node:path";
import { program } from "./build.ts";
import type { Cluster } from "./api.ts";
import type { Places } from "./places.ts";
import { startProcess } from "./processes.ts";

export async function startKwok(
  places: Places,
  cluster: Pick<Cluster, "apply" | "kubectl">,
  count: number,
): Promise<void> {
  startProcess(places.folder, "kwok", [
    program("kwok"),
    `--config=${program("kwok-stages.yaml")}`,
    `--kubeconfig=${join(places.folder, "kwok.kubeconfig")}`,
    "--manage-all-nodes=false",
    "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
    // Without it, status.hostIP of pods stays empty.
    "--node-ip=127.0.0.1",
    `--cidr=${places.podCidr}`,
    "--node-lease-duration-seconds=40",
  ]);
  if (count === 0) return;
  await cluster.apply(Array.from({ length: count }, (_, index) => node(`kwok-${index}`)));
  await cluster.kubectl(["wait", "--for=condition=Ready", "node", "--all", "--timeout=60s"], {
    timeoutMs: 65_000,
  });
}

function node(name: string): object {
  const room = { cpu: "64", memory: "256Gi", pods: "2000" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { "kwok.x-k8s.io/node": "fake" },
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        type: "kwok",
      },
    },
    status: { allocatable: room, capacity: room },
  };
}
