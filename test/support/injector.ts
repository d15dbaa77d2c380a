import type { Pod } from "#k8s/api/objects.ts";
import type { InjectorOptions, SidecarOptions } from "#k8s/injector/plan.ts";
import { reviewPod, type ReviewDeps, type Reviewed } from "#k8s/injector/review.ts";
import { applyPatch, type PatchStep } from "./json-patch.ts";

export const injectorOptions: InjectorOptions = {
  endpoint: "node",
  httpPort: 3500,
  grpcPort: 50_001,
  nodePorts: [3500, 50_001],
  hostIpFamily: "IPv4",
  tokenAudience: "outrigger",
  sidecar: {
    image: "example/outrigger:1",
    imagePullPolicy: "",
    controlPlaneNamespace: "outrigger-system",
    trustDomain: "cluster.local",
    hasNodes: true,
    hasActors: true,
    sentryAddress: "",
    trustAnchors: () => "",
  },
};

export type ReviewChanges = Partial<Omit<InjectorOptions, "sidecar">> & {
  readonly sidecar?: Partial<SidecarOptions>;
  readonly now?: () => number;
};
/** Random bytes that differ from call to call and are the same in each run. */
export function reviewDeps({ sidecar, now, ...changes }: ReviewChanges = {}): ReviewDeps {
  let calls = 0;
  return {
    options: {
      ...injectorOptions,
      ...changes,
      sidecar: { ...injectorOptions.sidecar, ...sidecar },
    },
    now: now ?? (() => Date.UTC(2026, 0, 1)),
    random: (bytes) => new Uint8Array(bytes).fill(++calls),
  };
}

export function podReview(pod: unknown, fields: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      operation: "CREATE",
      namespace: "shop",
      userInfo: { username: "system:serviceaccount:kube-system:job-controller" },
      object: pod,
      oldObject: null,
      dryRun: false,
      ...fields,
    },
  };
}

export interface Injection {
  readonly reviewed: Reviewed;
  readonly patch: readonly PatchStep[];
  /** The pod as the API server goes on with it. */
  readonly pod: Pod;
}
export function inject(pod: Pod, deps: ReviewDeps = reviewDeps()): Injection {
  const reviewed = reviewPod(podReview(structuredClone(pod)), deps);
  const { patch } = reviewed.body.response;
  const steps = patch === undefined ? [] : (JSON.parse(atob(patch)) as readonly PatchStep[]);
  return { reviewed, patch: steps, pod: applyPatch(pod, steps) };
}
