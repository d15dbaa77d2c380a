/**
 * What an annotated pod says of its app: Dapr's annotations (`dapr.io/…`) and ours (`outrigger.dev/…`), read and
 * checked once. Plain data: it crosses from the supervisor to the process of a group as JSON.
 */
export interface PodSettings {
  readonly appId: string;
  /** Absent: nothing calls the app. */
  readonly appPort?: number;
  readonly appProtocol: "http" | "https" | "grpc" | "grpcs" | "h2c";
  /** Calls in flight to the app; -1: no limit. */
  readonly appMaxConcurrency: number;
  /** Name of a Configuration in the pod's namespace; empty: none. */
  readonly config: string;
  readonly health?: {
    readonly path: string;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly threshold: number;
  };
  readonly maxBodyBytes: number;
  /** Absent leaves it to the Configuration. */
  readonly apiLogging?: boolean;
  readonly enableMetrics: boolean;
  readonly bindingProbeMs: number;
  readonly disableInitEndpoints: readonly ("config" | "subscribe")[];
  readonly disableBuiltinSecretStore: boolean;
  readonly gracefulShutdownMs: number;
  readonly blockShutdownMs: number;
  /** Secrets (key `token`) of the pod's namespace; empty: none. */
  readonly apiTokenSecret: string;
  readonly appTokenSecret: string;
  readonly mode: "shared" | "sidecar";
  /** Processes of their own: `dedicated` is this app's alone; `default` is what the node says. */
  readonly isolation: "default" | "dedicated";
}

/** Annotations of ours. */
export const outriggerAnnotations = {
  /** `shared` (environment only), `sidecar` (a native sidecar), `auto` (default: shared). */
  mode: "outrigger.dev/mode",
  /** `dedicated`: a process of its own on each node. */
  isolation: "outrigger.dev/isolation",
  /** SHA-256 of the pod's API token as hexadecimal text; written by the injector, always anew. */
  tokenHash: "outrigger.dev/token-sha256",
  /** Written by the injector: `shared` or `sidecar`, what has been done to the pod. */
  injected: "outrigger.dev/injected",
} as const;
