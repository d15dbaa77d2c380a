import type { BadTokens } from "#core/identity/bad-tokens.ts";
import type { TokenOwner } from "#core/identity/token-check.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { Kind, Kinds } from "#core/ports/manifest.ts";
import type { AppChannel, AppRef, Clock, SendOutside } from "#core/ports/platform.ts";
import type { MeasuredApp } from "#core/telemetry/measured-app.ts";
import type { AppPolicies } from "./app-policies.ts";
import type { Calls } from "./calls.ts";
import type { Outbox } from "./outbox.ts";
import type { Alive, Part } from "./part.ts";

/** A component as one app sees it. */
export interface Loaded<K extends Kind = Kind> {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly port: Kinds[K];
  /** As the document gives it: secrets resolved, templates filled in, names in lower case. */
  readonly metadata: Metadata;
  /** What the runtime puts before this app's keys (state stores), separator included. */
  readonly keyPrefix: string;
  /** True: topics carry the app's namespace on the broker (a pub/sub whose document uses `{namespace}`). */
  readonly namespaceScoped?: boolean;
  /** Present on a state store whose transactions publish events. */
  readonly outbox?: Outbox;
}

/** A component that did not start, or has not yet. */
export interface FailedComponent {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  /** What failed. */
  readonly why: string;
  /** The same in Dapr's words, which name the component. */
  readonly reason: string;
}

/** An external address that can be invoked by name. */
export interface HttpEndpoint {
  readonly name: string;
  readonly baseUrl: string;
  readonly headers: readonly string[];
  /** Its own way out, where it has certificates of its own. */
  readonly send?: SendOutside;
  /** Only of one whose headers or certificates could not be had: answers it whole, or rejects with why it is not. */
  lookUp?(): Promise<HttpEndpoint>;
}

/** One tenant's view of the runtime: only what its scopes let it see. */
export interface App extends AppRef {
  /** Where operations have the time from. */
  readonly clock: Clock;
  /** The way to the app itself; `undefined` for one that only calls. */
  readonly channel: AppChannel | undefined;
  readonly connection: AppConnection | undefined;
  readonly limits: AppLimits;
  readonly identity: AppIdentity;
  /** Those in force. */
  readonly policies: AppPolicies;
  readonly telemetry: AppTelemetry;
  readonly health: AppHealth;
  readonly components: AppComponents;
  /** The component of that kind and name, or `undefined`: not there and not yours look alike. */
  component<K extends Kind>(kind: K, name: string): Loaded<K> | undefined;
  /** What a block has alive for the app. */
  part<T extends Alive>(part: Part<T>): T;
  /** Calls that run now; absent means that nobody counts them. */
  readonly calls?: Calls;
  /** Asked for by `POST /v1.0/shutdown`; the target decides what ends. */
  shutdown(force: boolean): void;
}

/** How the app proves itself, and the runtime to the app. */
export interface AppIdentity extends TokenOwner {
  /** Sent as `dapr-api-token` on every call to the app. */
  readonly appToken: string | undefined;
  /** Slows down who guesses tokens; absent means that nobody is. */
  readonly badTokens?: BadTokens | undefined;
}

/** Who hears of what the app does. */
export interface AppTelemetry extends MeasuredApp {
  /** Writes a warning to the log, once in the app's life; `undefined`: nobody reads it. */
  readonly warnOnce: ((message: string) => void) | undefined;
}

/** Its components as metadata lists them. */
export interface AppComponents {
  /** All that loaded, in load order, one entry a document. */
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

/** Where the app listens, as metadata reports it. */
export interface AppConnection {
  readonly port: number;
  readonly protocol: "http" | "https" | "grpc" | "grpcs" | "h2c";
  readonly channelAddress: string;
  /** Calls in flight to the app; absent means no limit. */
  readonly maxConcurrency?: number;
  readonly health?: {
    /** Of HTTP apps only. */
    readonly healthCheckPath?: string;
    /** Durations in Go's spelling. */
    readonly healthProbeInterval: string;
    readonly healthProbeTimeout: string;
    readonly healthThreshold: number;
  };
}
export interface AppLimits {
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
}
export interface AppHealth {
  /** Parts that are not up yet, by the name shown to callers; empty means ready. */
  readonly waitingFor: ReadonlySet<string>;
  /** True once the app may call out, whether or not it listens itself. */
  readonly outbound: boolean;
  /** False: calls should rather go to others of its id, here or elsewhere. For the target to say. */
  isAvailable?: boolean;
}
