import type { Container, EnvVar, VolumeMount } from "#k8s/api/objects.ts";

/** What is to be in a pod; `patch.ts` says what of it is missing. */
export interface InjectionPlan {
  readonly labels: Readonly<Record<string, string>>;
  /** `undefined`: not to be there. */
  readonly annotations: Readonly<Record<string, string | undefined>>;
  /** What a container of the pod is to have; `undefined`: it stays as it is. */
  container(name: string, isInit: boolean): ContainerPlan | undefined;
  readonly volumes: readonly Volume[];
  /** Put after the pod's own init containers; one of this name that is there already stays. */
  readonly sidecar?: SidecarContainer;
}

export interface ContainerPlan {
  /**
   * In an order in which `$(NAME)` finds what stands before it. What a container sets itself stays; one with
   * `envFrom` goes without names that are not Dapr's or ours.
   */
  readonly env: readonly EnvVar[];
  /** Names of `env` whose value is ours, whatever a container says. */
  readonly forced: ReadonlySet<string>;
  /** Left out where something is mounted at the path already. */
  readonly mounts: readonly VolumeMount[];
}
export interface Volume {
  readonly name: string;
  readonly [source: string]: unknown;
}
/** A container with all that Kubernetes knows of it. */
export interface SidecarContainer extends Container {
  readonly [field: string]: unknown;
}

/** What the injector has been told, by flags. */
export interface InjectorOptions {
  /** `node`: the runtime of the pod's node; else `http://host:port` of a Service. */
  readonly endpoint: string;
  /** `http://host:port`; only with an `endpoint` that is a URL. */
  readonly grpcEndpoint?: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** All ports that a runtime on the node takes, for pods of the host's network. */
  readonly nodePorts: readonly number[];
  readonly hostIpFamily: "IPv4" | "IPv6";
  /** Audience of the projected service-account token. */
  readonly tokenAudience: string;
  readonly sidecar: SidecarOptions;
}
export interface SidecarOptions {
  /** Empty: pods must name one. */
  readonly image: string;
  /** Empty: Kubernetes' default. */
  readonly imagePullPolicy: string;
  readonly controlPlaneNamespace: string;
  readonly trustDomain: string;
  /** True: each node has a runtime (`endpoint` is `node`). */
  readonly hasNodes: boolean;
  /** False: actors and jobs are off in sidecars that are not told their database, since the runtimes of nodes use one. */
  readonly hasActors: boolean;
  /** `host:port` of the certificate authority; empty: no mTLS. */
  readonly sentryAddress: string;
  /** Roots to trust, as PEM. */
  trustAnchors(): string;
}
