import type { Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { GroupCoordination } from "../messages.ts";
import type { GroupProgram } from "./group-process.ts";

/** `outrigger node`, every default filled in. */
export interface NodeRuntimeOptions {
  readonly client: KubeClient;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose pods are hosted: those of a node (DaemonSet), or those of namespaces (Deployment; empty means all). */
  readonly scope: { readonly node: string } | { readonly namespaces: readonly string[] };
  /** Address to listen on; empty: all. */
  readonly hostIp: string;
  readonly ports: {
    readonly http: number;
    readonly grpc: number;
    /** Absent: no calls between nodes. */
    readonly internal: number | undefined;
    readonly health: number;
    readonly metrics: number;
  };
  /** `namespace`: a process for each namespace; `shared`: one for all; annotations make exceptions. */
  readonly isolation: "namespace" | "shared";
  readonly tokenAudience: string;
  /** False behind something that changes the addresses of callers. */
  readonly checkSourceIp: boolean;
  readonly mtls?: {
    readonly sentryAddress: string;
    readonly trustDomain: string;
    readonly controlPlaneNamespace: string;
  };
  /** Absent: neither actors nor jobs. */
  readonly coordination?: GroupCoordination;
  /** Who writes Events. */
  readonly instance: string;
  readonly drainMs: number;
  /** How long it serves on for one that takes its place and is not there yet. Default: not at all. */
  readonly successorMs?: number;
  /** How long it goes on taking connections, unready, until nobody sends it any more. Default: not at all. */
  readonly lingerMs?: number;
  readonly logLevel: string;
  readonly logAsJson: boolean;
  /** Starts a group's process: our own program, or an older one by version. */
  program(version: string): GroupProgram | undefined;
}

export interface RunningNode {
  readonly ports: Readonly<Record<string, number>>;
  /** Resolves when everything that was there at the start is hosted, and the ports are open. */
  readonly ready: Promise<void>;
  /** Stops taking connections, lets what is in flight end, ends the groups. */
  stop(): Promise<void>;
  /** For tests and operators: the groups and their processes. */
  readonly groups: ReadonlyArray<{
    readonly name: string;
    readonly pid: number | undefined;
    readonly restarts: number;
  }>;
}
