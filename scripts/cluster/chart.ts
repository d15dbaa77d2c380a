/** Our own chart in a cluster, as a user installs it, with the image that `images.ts` makes. */
import { join } from "node:path";
import type { Cluster } from "./api.ts";
import { runtimeImageName } from "./images.ts";

/** Where the chart is installed. */
export const systemNamespace = "outrigger-system";

const chart = join(import.meta.dirname, "../../k8s/chart");

/**
 * Installs it, waits until everything of it is ready and a pod is admitted. `values` are as in values.yaml;
 * namespaces that they name must be there already.
 */
export async function installChart(
  cluster: Pick<Cluster, "helm" | "kubectl" | "tryKubectl">,
  values: object = {},
): Promise<void> {
  const [, repository, tag] = /^([^:]+):(.+)$/.exec(runtimeImageName) ?? [];
  const input = JSON.stringify({ image: { repository, tag }, ...values });
  await cluster.helm(
    ["install", "outrigger", chart, "--namespace", systemNamespace].concat(
      "--create-namespace",
      "--values",
      "-",
    ),
    { input },
  );
  const parts = ["daemonset/outrigger-node", "deployment/outrigger-ca"];
  await Promise.all(
    [...parts, "deployment/outrigger-injector"].map((part) =>
      cluster.kubectl(["--namespace", systemNamespace, "rollout", "status", part]),
    ),
  );
  await pastTheWebhook(cluster);
}

/** A Service is slower than the Deployment behind it. */
async function pastTheWebhook(cluster: Pick<Cluster, "tryKubectl">): Promise<void> {
  const metadata = {
    name: "trial",
    namespace: "default",
    annotations: { "dapr.io/enabled": "true" },
  };
  const spec = { containers: [{ name: "app", image: "none" }] };
  const input = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec });
  for (const deadline = Date.now() + 30_000; ;) {
    const args = ["create", "--dry-run=server", "-f", "-"];
    const { code, stderr } = await cluster.tryKubectl(args, { input });
    if (code === 0) return;
    if (Date.now() > deadline) throw new Error(`No pod is admitted: ${stderr}`);
  }
}
