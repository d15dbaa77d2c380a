import type { BadTokens } from "#core/identity/bad-tokens.ts";
import type { TokenOwner } from "#core/identity/token-check.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { Kind, Kinds } from "#core/ports/manifest.ts";
import type { AppChannel, AppRef, Clock, SendOutside } from "#core/ports/platform.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import type { MeasuredApp } from "#core/telemetry/measured-app.ts";
import type { AppPolicies } from "./app-policies.ts";
import type { Calls } from "./calls.ts";
import type { Outbox } from "./outbox.ts";
import type { Alive, Part } from "./part.ts";

/** A loaded component, as one app sees it. */
export interface Loaded<K extends Kind = Kind> {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly port: Kinds[K];
  /** `spec.metadata` with secrets resolved and templates filled in, by lower-case name. */
  readonly metadata: Metadata;
  /** Prefix of this app's keys in a state store, including the separator. */
  readonly keyPrefix: string;
  /**
   * True if topic names on the broker include the app's namespace, because the pub/sub resource
   * uses `{namespace}`.
   */
  readonly namespaceScoped?: boolean;
  /**
   * The store without encryption, if `port` encrypts values. The state of actors is not encrypted, as
   * in Dapr.
   */
  readonly unencrypted?: StateStore;
  /** The outbox of a state store whose transactions publish events; `undefined` for all others. */
  readonly outbox?: Outbox;
}

/** A component that failed to start, or has not started yet. */
export interface FailedComponent {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  /** The reason of the failure. */
  readonly why: string;
  /** The reason in Dapr's words, which include the name of the component. */
  readonly reason: string;
}

/** An external address that can be invoked by name (an HTTPEndpoint resource). */
export interface HttpEndpoint {
  readonly name: string;
  readonly baseUrl: string;
  /** Headers that are added to each request, as alternating names and values. */
  readonly headers: readonly string[];
  /** Sends requests with the endpoint's certificates; `undefined` if it has none. */
  readonly send?: SendOutside;
  /**
   * Present only if the headers or certificates could not be read. Reads them again and returns the
   * complete endpoint.
   *
   * @throws {Error} if they still cannot be read.
   */
  lookUp?(): Promise<HttpEndpoint>;
}

/** One app's view of the runtime, limited to what its scopes allow. */
export interface App extends AppRef {
  /** Tells the replicas of the app apart, whichever processes host them. Absent if it is the only one. */
  readonly instance?: string | undefined;
  /** The clock that operations read. */
  readonly clock: Clock;
  /** The connection to the app itself; `undefined` for an app that only makes calls. */
  readonly channel: AppChannel | undefined;
  /** Where the app listens, or would listen if it had a port; `undefined` if the target does not know. */
  readonly connection: AppConnection | undefined;
  readonly limits: AppLimits;
  readonly identity: AppIdentity;
  /** The policies in force. Hot reload replaces the whole value. */
  readonly policies: AppPolicies;
  readonly telemetry: AppTelemetry;
  readonly health: AppHealth;
  readonly components: AppComponents;
  /**
   * Returns the component of that kind and name. `undefined` if it does not exist or belongs to
   * another app; callers cannot tell the difference.
   */
  component<K extends Kind>(kind: K, name: string): Loaded<K> | undefined;
  /** Returns the long-lived state that a block keeps for the app; creates it on first use. */
  part<T extends Alive>(part: Part<T>): T;
  /** The app's calls in flight; `undefined` if they are not counted. */
  readonly calls?: Calls;
  /** Handles `POST /v1.0/shutdown`. The target decides what stops. */
  shutdown(force: boolean): void;
}

/** How the app authenticates to the runtime, and the runtime to the app. */
export interface AppIdentity extends TokenOwner {
  /** Sent as `dapr-api-token` with every call to the app; `undefined` if there is no such token. */
  readonly appToken: string | undefined;
  /** Slows down clients that guess tokens; `undefined` if it is off. */
  readonly badTokens?: BadTokens | undefined;
}

/** What measures and reports the app's activity. */
export interface AppTelemetry extends MeasuredApp {
  /** Logs a warning once in the lifetime of the app; `undefined` if warnings are not logged. */
  readonly warnOnce: ((message: string) => void) | undefined;
}

/** The app's components, as the metadata API lists them. */
export interface AppComponents {
  /** All loaded components in load order, with one entry per resource. */
  readonly loaded: ReadonlyArray<{
    readonly name: string;
    readonly type: string;
    readonly version: string;
    readonly capabilities: readonly string[];
  }>;
  readonly failed: readonly FailedComponent[];
  /** True when the app can see at least one component of the kind. */
  has(kind: Kind): boolean;
}

/** Where the app listens, as the metadata API reports it (`appConnectionProperties`). */
export interface AppConnection {
  /** `undefined` for an app without a port. */
  readonly port?: number;
  readonly protocol: "http" | "https" | "grpc" | "grpcs" | "h2c";
  readonly channelAddress: string;
  /** Maximum number of calls in flight to the app; `undefined` means no limit. */
  readonly maxConcurrency?: number;
  /** Settings of the app's health check; `undefined` if there is none. */
  readonly health?: {
    /** Only for HTTP apps. */
    readonly healthCheckPath?: string;
    /** Duration in Go's notation, for example `5s`. */
    readonly healthProbeInterval: string;
    /** Duration in Go's notation, for example `500ms`. */
    readonly healthProbeTimeout: string;
    /** Failed probes in a row after which the app is unhealthy. */
    readonly healthThreshold: number;
  };
}
/** Limits for requests of the app. */
export interface AppLimits {
  /** Maximum size of a request body, in bytes. */
  readonly maxBodyBytes: number;
}
/** Whether the runtime is ready for the app, for the health API. */
export interface AppHealth {
  /** Parts that are not ready yet, by the name that callers see; empty means ready. */
  readonly waitingFor: ReadonlySet<string>;
  /** True when the app can make calls, whether or not it listens itself. */
  readonly outbound: boolean;
  /**
   * False if calls should go to other instances of the app, in this process or another one. Set by
   * the target.
   */
  isAvailable?: boolean;
}
