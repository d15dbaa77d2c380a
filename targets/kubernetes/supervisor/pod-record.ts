import type { Pod } from "#k8s/api/objects.ts";
import { readSettings } from "#k8s/pods/annotations.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";
import type { PodRecord } from "../messages.ts";

/** What is kept of a pod. */
export interface SeenPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Its app, where the pod is to be hosted now. */
  readonly record: PodRecord | undefined;
  /** Why it is not, where its annotations ask for it. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined;
  /** Present on a pod that brings a runtime of its own. */
  readonly sidecar?: {
    readonly appId: string;
    readonly ips: readonly string[];
    /** For calls between runtimes. */
    readonly internalPort: number;
    readonly isReady: boolean;
    readonly isEnding: boolean;
  };
}
const sidecarPort = 50_002;

const over: ReadonlySet<string | undefined> = new Set(["Succeeded", "Failed"]);

/** `undefined` for a pod that is none of ours. */
export function seePod(pod: Pod): SeenPod | undefined {
  const { metadata, spec, status } = pod;
  const { uid, namespace, name, annotations = {} } = metadata;
  if (uid === undefined || namespace === undefined || name === undefined) return undefined;
  const hostNetwork = spec?.hostNetwork === true;
  const { enabled, settings, faults, values } = readSettings(metadata, { hostNetwork });
  const seen = { uid, namespace, name, record: undefined, problem: undefined };
  if (!enabled || over.has(status?.phase)) return undefined;
  const injected = annotations[outriggerAnnotations.injected];
  if (!settings) {
    const message = faults.map((fault) => `${fault.annotation}: ${fault.message}`).join("; ");
    return { ...seen, problem: { reason: "InvalidAnnotations", message } };
  }
  const isReady =
    status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false;
  const isEnding = metadata.deletionTimestamp !== undefined;
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  // It has a runtime of its own.
  if (settings.mode === "sidecar" || injected === "sidecar") {
    const internalPort = values.number("dapr.io/internal-grpc-port") ?? sidecarPort;
    const { appId } = settings;
    return { ...seen, sidecar: { appId, ips, internalPort, isReady, isEnding } };
  }
  const tokenHash = annotations[outriggerAnnotations.tokenHash] ?? "";
  if (injected !== "shared" || !/^[0-9a-f]{64}$/.test(tokenHash))
    return {
      ...seen,
      problem: {
        reason: "NotInjected",
        message:
          "the pod is annotated, but has not passed the injector: it was made before, or around it; delete it so that its controller makes a new one",
      },
    };
  return {
    ...seen,
    record: {
      uid,
      namespace,
      name,
      serviceAccount: spec?.serviceAccountName ?? "default",
      ips,
      hostNetwork,
      tokenHash,
      isReady,
      isEnding,
      settings,
    },
  };
}

/** What makes and owns a pod, beyond the ReplicaSet of a rollout or the Job of a CronJob's turn. */
export function ownerOf({ metadata }: Pod): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (!owner) return `Pod/${metadata.name}`;
  // Of a Deployment, or of what does the same in another way (`rollouts-pod-template-hash`).
  const hash = Object.entries(metadata.labels ?? {}).find(
    ([label, value]) => label.endsWith("pod-template-hash") && owner.name.endsWith(`-${value}`),
  )?.[1];
  if (owner.kind === "ReplicaSet" && hash !== undefined)
    return `Deployment/${owner.name.slice(0, -hash.length - 1)}`;
  return `${owner.kind}/${owner.name.replace(/-\d{8,}$/, "")}`;
}
