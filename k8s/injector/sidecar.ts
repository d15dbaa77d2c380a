import type { EnvVar, Pod, VolumeMount } from "#k8s/api/objects.ts";
import type { AnnotationValues, Finding } from "#k8s/pods/read-annotations.ts";
import { outriggerAnnotations, type PodSettings } from "#k8s/pods/settings.ts";
import type {
  ContainerPlan,
  InjectionPlan,
  SidecarContainer,
  SidecarOptions,
  Volume,
} from "./plan.ts";
import {
  appEnv,
  fieldEnv,
  podLabels,
  tokenFolder,
  tokenVolume,
  tokenVolumeName,
} from "./shared.ts";
import { sidecarArgs, sidecarPorts } from "./sidecar-args.ts";
import { readLists } from "./sidecar-settings.ts";

/** Name of the container, as Dapr's. */
export const sidecarName = "daprd";
const identityFolder = "/var/run/secrets/dapr.io/sentrytoken";
const identitySeconds = 7200;
const socketFolder = "/var/run/dapr-sockets";
const componentFolder = "/tmp/dapr-components-sockets";
/** Where a process of a pod looks for the API server's token and authority. */
const apiAccessFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
/** What Kubernetes itself asks for. */
const apiAccessSeconds = 3607;
const apiAccessVolume = "outrigger-api-access";
/** Of the volumes that Kubernetes' admission makes. */
const kubernetesAccessPrefix = "kube-api-access-";
const identityVolume = "dapr-identity-token";
const socketVolume = "dapr-unix-domain-socket";
const componentVolume = "dapr-components-unix-domain-socket";
const user = 65_532;

export interface SidecarRequest {
  readonly pod: Pod;
  readonly settings: PodSettings;
  readonly values: AnnotationValues;
  /** Namespace of the pod. */
  readonly namespace: string;
  readonly tokenAudience: string;
  readonly options: SidecarOptions;
}

/** Mode `sidecar`: a native sidecar that is a daprd to the pod: an init container that goes on beside the others. */
export function sidecarPlan(request: SidecarRequest): {
  readonly plan: InjectionPlan;
  readonly warnings: readonly Finding[];
} {
  const { settings, values } = request;
  const socketPath = values.text("dapr.io/unix-domain-socket-path");
  const components = new Set(values.list("dapr.io/pluggable-components"));
  const componentMount: VolumeMount = {
    name: componentVolume,
    mountPath: values.text("dapr.io/pluggable-components-sockets-folder") || componentFolder,
  };
  const lists = readLists(values, request.pod);
  const ownAccess = needsApiAccess(request.pod, lists.mounts);
  const socketMount = { name: socketVolume, mountPath: socketFolder };
  const mounts: readonly VolumeMount[] = [
    ...lists.mounts,
    { name: tokenVolumeName, mountPath: tokenFolder, readOnly: true },
    ...(ownAccess ? [{ name: apiAccessVolume, mountPath: apiAccessFolder, readOnly: true }] : []),
    ...(request.options.sentryAddress === ""
      ? []
      : [{ name: identityVolume, mountPath: identityFolder, readOnly: true }]),
    ...(socketPath === "" ? [] : [socketMount]),
    ...(components.size === 0 ? [] : [componentMount]),
  ];
  const componentEnv = { name: "DAPR_COMPONENT_SOCKETS_FOLDER", value: componentMount.mountPath };
  const ofApps: ContainerPlan = {
    env: [
      { name: "DAPR_HTTP_PORT", value: "3500" },
      { name: "DAPR_GRPC_PORT", value: String(values.number("dapr.io/grpc-port") ?? 50_001) },
      ...appEnv(settings),
    ],
    forced: new Set(),
    mounts: socketPath === "" ? [] : [{ ...socketMount, mountPath: socketPath }],
  };
  const ofComponents: ContainerPlan = {
    env: [componentEnv],
    forced: new Set(),
    mounts: [componentMount],
  };
  return {
    plan: {
      labels: podLabels(settings),
      annotations: {
        "dapr.io/app-id": settings.appId,
        // The runtime of the node does not serve this pod.
        [outriggerAnnotations.tokenHash]: undefined,
        [outriggerAnnotations.injected]: "sidecar",
      },
      container: (name, isInit) => {
        if (isInit) return undefined;
        return components.has(name) ? ofComponents : ofApps;
      },
      volumes: [
        tokenVolume(request.tokenAudience),
        ...(ownAccess ? [apiAccess()] : []),
        ...(request.options.sentryAddress === "" ? [] : [identityOf(request.options)]),
        ...(socketPath === "" ? [] : [{ name: socketVolume, emptyDir: { medium: "Memory" } }]),
        ...(components.size === 0 ? [] : [{ name: componentVolume, emptyDir: {} }]),
      ],
      sidecar: container(request, mounts, [
        ...lists.env,
        ...(components.size === 0
          ? []
          : [{ ...componentEnv, name: "DAPR_COMPONENTS_SOCKETS_FOLDER" }]),
      ]),
    },
    warnings: lists.warnings,
  };
}

function container(
  request: SidecarRequest,
  volumeMounts: readonly VolumeMount[],
  env: readonly EnvVar[],
): SidecarContainer {
  const { settings, values, options } = request;
  const seccomp = values.text("dapr.io/sidecar-seccomp-profile-type") || "RuntimeDefault";
  // Resources may read these: what is meant for the runtime is not among them.
  const userEnv = env.map(({ name }) => name).filter((name) => !/^(?:DAPR|OUTRIGGER)_/.test(name));
  return {
    name: sidecarName,
    image: values.text("dapr.io/sidecar-image") || options.image,
    ...(options.imagePullPolicy === "" ? {} : { imagePullPolicy: options.imagePullPolicy }),
    args: sidecarArgs(settings, values, { ...options, socketFolder }),
    // Kubernetes then starts it before the app's containers, and ends it after them; a Job completes all the same.
    restartPolicy: "Always",
    ports: sidecarPorts(values),
    env: [
      ...runtimeEnv(request),
      ...env,
      ...(userEnv.length === 0 ? [] : [{ name: "DAPR_ENV_KEYS", value: userEnv.join(" ") }]),
      ...secretEnv("DAPR_API_TOKEN", settings.apiTokenSecret),
      ...secretEnv("APP_API_TOKEN", settings.appTokenSecret),
    ],
    volumeMounts,
    securityContext: {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: seccomp },
    },
    ...resourcesOf(values),
    ...probesOf(values),
  };
}

function runtimeEnv({ namespace, options }: SidecarRequest): readonly EnvVar[] {
  const anchors = options.sentryAddress === "" ? "" : options.trustAnchors();
  return [
    { name: "NAMESPACE", value: namespace },
    fieldEnv("POD_NAME", "metadata.name"),
    fieldEnv("DAPR_HOST_IP", "status.podIP"),
    // Where the runtime of the node is, which knows where apps are; behind a Service there is none on each node.
    ...(options.hasNodes ? [fieldEnv("OUTRIGGER_NODE_IP", "status.hostIP")] : []),
    { name: "DAPR_CONTROLPLANE_NAMESPACE", value: options.controlPlaneNamespace },
    { name: "DAPR_CONTROLPLANE_TRUST_DOMAIN", value: options.trustDomain },
    { name: "OUTRIGGER_TOKEN_FILE", value: `${tokenFolder}/token` },
    ...(options.sentryAddress === ""
      ? []
      : [
          { name: "DAPR_TRUST_ANCHORS", value: anchors },
          { name: "DAPR_SENTRY_TOKEN_FILE", value: `${identityFolder}/token` },
        ]),
  ];
}

function secretEnv(name: string, secret: string): readonly EnvVar[] {
  return secret === ""
    ? []
    : [{ name, valueFrom: { secretKeyRef: { name: secret, key: "token" } } }];
}

/** The audience is the authority's identity, as for Dapr's Sentry. */
function identityOf({ trustDomain, controlPlaneNamespace }: SidecarOptions): Volume {
  const audience = `spiffe://${trustDomain}/ns/${controlPlaneNamespace}/dapr-sentry`;
  return {
    name: identityVolume,
    projected: {
      sources: [
        { serviceAccountToken: { audience, expirationSeconds: identitySeconds, path: "token" } },
      ],
    },
  };
}

/**
 * True where Kubernetes gives the sidecar no token for the API server: `automountServiceAccountToken` of the pod, or
 * of its ServiceAccount, is false. Otherwise it has given one to the pod's containers before we are asked, and does
 * so for the sidecar; a mount that an author has made is for that container alone.
 */
function needsApiAccess({ spec }: Pod, own: readonly VolumeMount[]): boolean {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const mounts = containers.flatMap(({ volumeMounts }) => volumeMounts ?? []);
  return (
    !own.some(({ mountPath }) => mountPath === apiAccessFolder) &&
    !mounts.some(
      ({ name, mountPath }) =>
        mountPath === apiAccessFolder && name.startsWith(kubernetesAccessPrefix),
    )
  );
}

/** As Kubernetes makes it. */
function apiAccess(): Volume {
  const namespace = { apiVersion: "v1", fieldPath: "metadata.namespace" };
  return {
    name: apiAccessVolume,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: apiAccessSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: namespace }] } },
      ],
    },
  };
}

function resourcesOf(values: AnnotationValues): { readonly resources?: unknown } {
  const of = (kind: "request" | "limit"): Record<string, string> =>
    Object.fromEntries(
      ["cpu", "memory"]
        .map((name) => [name, values.text(`dapr.io/sidecar-${name}-${kind}`)] as const)
        .filter(([, amount]) => amount !== ""),
    );
  const requests = of("request");
  const limits = of("limit");
  if (Object.keys({ ...requests, ...limits }).length === 0) return {};
  return { resources: { requests, limits } };
}

/** Dapr's two, and one more: the app's containers start once the sidecar answers, so their first call gets through. */
function probesOf(values: AnnotationValues): Readonly<Record<string, unknown>> {
  const timing = (probe: "liveness" | "readiness"): Record<string, number | undefined> => {
    const number = (end: string): number | undefined =>
      values.number(`dapr.io/sidecar-${probe}-probe-${end}`);
    return {
      initialDelaySeconds: number("delay-seconds"),
      timeoutSeconds: number("timeout-seconds"),
      periodSeconds: number("period-seconds"),
      failureThreshold: number("threshold"),
    };
  };
  return {
    // Not `/v1.0/healthz`: that waits for the app's port, and the app for this probe.
    startupProbe: {
      httpGet: { path: "/v1.0/healthz/outbound", port: 3501 },
      periodSeconds: 1,
      timeoutSeconds: 2,
      failureThreshold: 120,
    },
    readinessProbe: { httpGet: { path: "/v1.0/healthz", port: 3501 }, ...timing("readiness") },
    livenessProbe: { tcpSocket: { port: 3501 }, ...timing("liveness") },
  };
}
