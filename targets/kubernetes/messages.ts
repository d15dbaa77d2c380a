import type { CoordinationDriver } from "#core/hosting/coordination.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import type { PodSettings } from "#k8s/pods/settings.ts";

/**
 * What the supervisor and the process of a group say to each other, as JSON over Node's IPC channel. A group may
 * run an older version than its supervisor (version pins), so members are only ever added.
 */
export const protocolVersion = 1;

/** An app's pod, as far as a group needs to know it. */
export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  /** Empty until the pod has one. */
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
  /** SHA-256 of its API token as hexadecimal text; empty: it has none. */
  readonly tokenHash: string;
  readonly isReady: boolean;
  /** Asked to end: what calls the app stops, what it calls goes on. */
  readonly isEnding: boolean;
  readonly settings: PodSettings;
}

/** Where owners of actors and due times are kept. */
export interface GroupCoordination {
  /** Runtimes of one group see each other. */
  readonly group: string;
  /** Absent: the actor state store of each app, if it can keep them. */
  readonly driver?: CoordinationDriver;
  /** Address at which runtimes of other nodes reach this one; empty: one that this machine has. */
  readonly host: string;
}

/** How a group is to run; all of it is the supervisor's. */
export interface GroupOptions {
  readonly version: number;
  readonly group: string;
  readonly nodeName: string;
  /** Of pods that share the node's network. */
  readonly hostIps: readonly string[];
  readonly tokenAudience: string;
  /** Absent: calls to other nodes are neither made nor taken. */
  readonly mtls?: {
    readonly sentryAddress: string;
    readonly trustDomain: string;
    readonly controlPlaneNamespace: string;
  };
  readonly internalPort: number;
  readonly checkSourceIp: boolean;
  /** Absent: neither actors nor jobs. */
  readonly coordination?: GroupCoordination;
  readonly logLevel: string;
  readonly logAsJson: boolean;
}

export type Port = "http" | "grpc" | "internal";

export type ToGroup =
  | { readonly type: "start"; readonly options: GroupOptions }
  | { readonly type: "pod"; readonly pod: PodRecord }
  | { readonly type: "pod-gone"; readonly uid: string }
  | {
      readonly type: "documents";
      readonly namespace: string;
      readonly objects: readonly KubeObject[];
    }
  /** False: the supervisor has no news from the API server, so that an unknown token may be a new pod's. */
  | { readonly type: "current"; readonly isCurrent: boolean }
  /** Connections come to this process from now on: other runtimes find here what its apps own. */
  | { readonly type: "serving" }
  /** Comes with the socket. `head`: what has been read of it already, as base64. */
  | { readonly type: "connection"; readonly port: Port; readonly head?: string }
  | {
      readonly type: "answer";
      readonly id: number;
      readonly value?: unknown;
      readonly error?: AskError;
    }
  | {
      readonly type: "addresses";
      readonly namespace: string;
      readonly appId: string;
      readonly hosts: readonly string[];
    }
  /** No more `addresses` of it come before it is asked for again. */
  | { readonly type: "forgotten"; readonly namespace: string; readonly appId: string }
  | { readonly type: "read-metrics"; readonly id: number }
  /** Are you alive? Answered with a `pong`. */
  | { readonly type: "ping" }
  | { readonly type: "drain"; readonly idleMs: number };

export interface AskError {
  readonly code: number;
  readonly message: string;
}

/** What a group may ask for; each is checked against the namespaces that it hosts. */
export interface Questions {
  /** A Secret by name: its values as base64; `undefined` where there is none. */
  secret: { readonly namespace: string; readonly name: string };
  /** The nodes that host an app; news follow as `addresses`. */
  resolve: { readonly namespace: string; readonly appId: string };
  /** The cluster's keys for service-account tokens. */
  jwks: Record<string, never>;
  /** What the API server says of a service-account token. */
  review: { readonly token: string };
}
export interface Answers {
  secret: Readonly<Record<string, string>> | undefined;
  resolve: readonly string[];
  jwks: { readonly keys: readonly object[]; readonly issuer: string };
  review: { readonly isGood: boolean };
}

export type FromGroup =
  /** Runs, and knows what it is to host. */
  | { readonly type: "started" }
  /** The pod's app answers, or why it cannot. */
  | { readonly type: "hosted"; readonly uid: string; readonly error?: string }
  | {
      readonly type: "ask";
      readonly id: number;
      readonly question: keyof Questions;
      readonly about: Questions[keyof Questions];
    }
  | {
      readonly type: "components";
      readonly uid: string;
      readonly components: readonly ComponentReport[];
    }
  /** Documents of a namespace that cannot be used, by `Kind/namespace/name`; those not named can. */
  | {
      readonly type: "unread";
      readonly namespace: string;
      readonly documents: ReadonlyArray<{ readonly file: string; readonly why: string }>;
    }
  | { readonly type: "metrics"; readonly id: number; readonly text: string }
  | { readonly type: "pong" }
  | { readonly type: "drained" };

/** How a Component fares for one app. */
export interface ComponentReport {
  readonly name: string;
  readonly isReady: boolean;
  /** Empty when it is ready. */
  readonly message: string;
}
