import type { HealthProbe } from "#core/hosting/app-health/app-health.ts";
import type { CoordinationFlags } from "./coordination.ts";
import type { MtlsFlags } from "./mtls/settings.ts";
import type { Log } from "#core/ports/platform.ts";
import type { NameResolution } from "#core/resources/configuration.ts";
import type { Documents } from "#core/hosting/reload/documents.ts";
import type { PortChoice } from "./listen/listening.ts";

/** Where documents come from that are not files. */
export interface DocumentSource {
  /** As they are now. Rejects where the app's Configuration is not there. */
  read(): Promise<Documents>;
  /** Gives back what ends it. */
  onChange(run: () => void): () => void;
  close(): Promise<void>;
}

/** One app that the process is to host; every number already parsed, every default filled in. */
export interface NodeAppOptions {
  readonly appId: string;
  /** Env `NAMESPACE`; empty when unset. */
  readonly namespace: string;
  /** Absent: the app only calls, nothing calls it. */
  readonly appPort?: number;
  readonly appProtocol: "http" | "https" | "grpc" | "grpcs" | "h2c";
  readonly appChannelAddress: string;
  /** Absent: the app's health is not asked for. */
  readonly appHealth?: HealthProbe;
  /** Calls in flight to the app; -1 means no limit. */
  readonly appMaxConcurrency: number;
  readonly httpPort: PortChoice;
  readonly grpcPort: PortChoice;
  /** Between runtime processes; 0 or absent means any free port. */
  readonly internalPort?: number;
  /** Address of that port; empty or absent means all. */
  readonly internalAddress?: string;
  /** How apps of other processes are found where the Configuration does not say. Default: mDNS. */
  readonly nameResolution?: NameResolution;
  /** Folder of Unix sockets that the API listens on instead of ports. */
  readonly unixSocketFolder?: string;
  /** Addresses of the API ports; empty means all. */
  readonly listenAddresses: readonly string[];
  /** Health and metadata without a token; absent means off. */
  readonly publicPort?: number;
  readonly publicListenAddresses: readonly string[];
  /** Absent means off. */
  readonly metricsPort?: PortChoice;
  readonly metricsListenAddresses: readonly string[];
  /** Log each API call, or do not; absent leaves it to the Configuration. */
  readonly apiLogging?: boolean;
  /** Where profiles are served, on loopback; absent means off. */
  readonly profilePort?: number;
  /** Present where documents are a cluster's; paths and inline texts are not read then. */
  readonly documents?: DocumentSource;
  /** Folders (or files) of resources. */
  readonly resourcesPaths: readonly string[];
  /** Configuration files; later ones override. */
  readonly configPaths: readonly string[];
  /** YAML texts used as if they were files: the defaults of `outrigger run`. */
  readonly inlineResources?: readonly { readonly name: string; readonly text: string }[];
  /** How often files are looked at beside the watch, in milliseconds; 0 or absent means once a minute. */
  readonly reconcileMs?: number;
  /** Origins that browsers may call from: `*`, or a comma-separated list; empty turns CORS off. */
  readonly allowedOrigins?: string;
  readonly maxBodyBytes: number;
  readonly readBufferBytes: number;
  /** Time for requests in flight when the process ends; 0 means no limit. */
  readonly gracefulShutdownMs: number;
  /** Time that the APIs stay up after subscriptions have stopped, unless the app turns unhealthy; 0 means off. */
  readonly blockShutdownMs: number;
  readonly bindingProbeMs: number;
  /** `config`, `subscribe`: endpoints of the app that are not asked for. */
  readonly disableInitEndpoints: readonly string[];
  /** Absent: neither actors nor jobs. */
  readonly coordination?: CoordinationFlags;
  /** Absent: calls between processes are neither encrypted nor authenticated. */
  readonly mtls?: MtlsFlags;
  /** Env `DAPR_API_TOKEN` (comma-separated for rotation); empty means none is asked for. */
  readonly apiTokens: readonly string[];
  readonly appToken?: string;
  /** Shown under `extended` in metadata (`appCommand`, `cliPID`…). */
  readonly extended: Readonly<Record<string, string>>;
}

/** What an app has once everything of it runs. */
export interface AppReady {
  readonly components: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  /** Names of the components that did not start. */
  readonly failed: readonly string[];
  readonly subscriptions: ReadonlyArray<{ readonly pubsubname: string; readonly topic: string }>;
}
/** How the start of an app goes on. `seconds` is how long it has been waited for. */
export type StartEvent = { readonly appId: string } & (
  | { readonly kind: "waiting"; readonly port: number; readonly seconds: number }
  | { readonly kind: "listening"; readonly port: number }
  | ({ readonly kind: "ready" } & AppReady)
);

export interface NodeOptions {
  readonly apps: readonly NodeAppOptions[];
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True: a component that can't start ends the start (daprd). False: it fails for the apps that see it only. */
  readonly failOnComponentError: boolean;
  /** Hears how the start of each app goes on; not before `startNode` has resolved. */
  readonly heard?: (event: StartEvent) => void;
  /** `POST /v1.0/shutdown` of an app. */
  shutdown(appId: string, force: boolean): void;
}

/** The ports that an app's APIs were bound to. */
export interface BoundPorts {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly internalPort: number;
  /** Absent where metrics are off. */
  readonly metricsPort?: number;
}

/** A running Node target. */
export interface NodeRuntime {
  /** By app id. */
  readonly apps: ReadonlyMap<string, BoundPorts>;
  /** Resolves when every app with a port has opened it and its subscriptions run. */
  readonly ready: Promise<void>;
  /** Reads the documents of all apps anew; never rejects. */
  reload(): Promise<void>;
  /** Stops taking work, waits for what is in flight (at most the graceful time), closes everything. Rejects, all being closed or cut off, when that time was too short. */
  stop(): Promise<void>;
}

/** Starts the runtime; resolves when the API answers, rejects with a reason a user can act on. See `start.ts`. */
export type StartNode = (options: NodeOptions) => Promise<NodeRuntime>;
