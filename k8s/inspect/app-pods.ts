import type { Pod } from "#k8s/api/objects.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";
import { type Asking, readAll, type Reading } from "./read.ts";

/** A pod that asks for the runtime, as `outrigger k8s apps` shows it. */
export interface AppPod {
  readonly namespace: string;
  readonly appId: string;
  readonly pod: string;
  /** Empty: not scheduled yet. */
  readonly node: string;
  /** What the injector has done; `none`: the pod came past it; `dapr`: Dapr's own injector was there. */
  readonly mode: "shared" | "sidecar" | "none" | "dapr";
  readonly isolation: string;
  readonly phase: string;
  readonly ready: boolean;
  /** RFC 3339; empty where the server gave none. */
  readonly created: string;
  /** Secrets that its annotations name. */
  readonly secrets: readonly string[];
}

/** Annotated pods of a namespace, or of all. Annotations cannot be selected by, so every pod is looked at. */
export function readAppPods(
  asking: Asking,
  namespace?: string,
): Promise<Reading<readonly AppPod[]>> {
  const path =
    namespace === undefined
      ? "/api/v1/pods"
      : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  return readAll<Pod, AppPod>(asking, path, toAppPod);
}

export function toAppPod({ metadata, spec, status }: Pod): AppPod | undefined {
  const annotations = metadata.annotations ?? {};
  if (!isOn(annotations["dapr.io/enabled"])) return undefined;
  const pod = metadata.name ?? "";
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const injected = annotations[outriggerAnnotations.injected];
  const byDapr = injected === undefined && containers.some(({ name }) => name === "daprd");
  return {
    namespace: metadata.namespace ?? "",
    // Dapr: without the annotation the pod's name is the id.
    appId: annotations["dapr.io/app-id"] || pod,
    pod,
    node: spec?.nodeName ?? "",
    mode: injected === "shared" || injected === "sidecar" ? injected : byDapr ? "dapr" : "none",
    isolation: annotations[outriggerAnnotations.isolation] || "default",
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
    ready: (status?.conditions ?? []).some(
      ({ type, status: is }) => type === "Ready" && is === "True",
    ),
    created: metadata.creationTimestamp ?? "",
    secrets: ["dapr.io/api-token-secret", "dapr.io/app-token-secret"].flatMap(
      (name) => annotations[name] || [],
    ),
  };
}

/** Dapr's words for yes. */
function isOn(text: string | undefined): boolean {
  return ["y", "yes", "true", "t", "on", "1"].includes((text ?? "").trim().toLowerCase());
}
