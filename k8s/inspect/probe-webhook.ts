import type { Pod } from "#k8s/api/objects.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";
import { type Finding, ok, problem, unknown } from "./finding.ts";
import { type Asking, reading } from "./read.ts";

const check = "injector.reachable";

/** Has the API server call the injector: an annotated pod is made as a dry run, and looked at. Nothing stays. */
export async function probeWebhook(
  { client, signal }: Asking,
  options: { readonly namespace: string; readonly controlPlane: string },
): Promise<Finding> {
  const { namespace, controlPlane } = options;
  const answer = await reading<Pod>(
    client.request(
      "POST",
      `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?dryRun=All`,
      // As long as the API server waits for a webhook, and some.
      { signal, body: probePod, timeoutMs: 35_000 },
    ),
    signal,
  );
  if (answer.is === "absent") return unknown(check, `there is no namespace ${namespace}`);
  if (answer.is === "unknown")
    return /failed calling webhook/.test(answer.why)
      ? problem(
          check,
          `the API server cannot reach a webhook: ${answer.why}`,
          `kubectl -n ${controlPlane} get pods; check that the API server may reach port 8443 of the nodes (firewall, NetworkPolicy)`,
        )
      : unknown(check, answer.why);
  return answer.value.metadata.annotations?.[outriggerAnnotations.injected] === undefined
    ? problem(
        check,
        `a pod made in namespace ${namespace} comes past the injector`,
        "check the namespaceSelector of the webhook, and labels of the namespace",
      )
    : ok(check, `the API server reaches the injector (dry run in namespace ${namespace})`);
}

/** Meets the strictest of Kubernetes' pod security standards, so that only webhooks can refuse it. */
const probePod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    generateName: "outrigger-status-",
    annotations: { "dapr.io/enabled": "true", "dapr.io/app-id": "outrigger-status" },
  },
  spec: {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "probe",
        image: "none.invalid/none",
        resources: {
          requests: { cpu: "1m", memory: "1Mi" },
          limits: { cpu: "1m", memory: "1Mi" },
        },
        securityContext: {
          runAsUser: 65532,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  },
};
