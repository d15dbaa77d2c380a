import type { AccessControl } from "#core/access-control/access-control.ts";
import type { ApiLists } from "#core/resources/api-lists.ts";
import type { Budget } from "#core/budget/budget.ts";
import type { LoopShare } from "#core/budget/loop-share.ts";
import type { Origins } from "#core/access-control/origins.ts";
import type { BadTokens } from "#core/identity/bad-tokens.ts";
import type { TokenOwner } from "#core/identity/token-check.ts";
import type { Alive, Part } from "./part.ts";
import type { Pipeline } from "#core/middleware/pipeline.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { Kind, Kinds } from "#core/ports/manifest.ts";
import type { AppChannel, AppRef, SendOutside } from "#core/ports/platform.ts";
import type { SubscriptionView } from "./subscription-view.ts";
import type { Calls } from "./calls.ts";
import type { Resiliency } from "#core/resiliency/policies.ts";
import type { SecretScope } from "#core/resources/secret-scope.ts";
import type { ApiLog } from "#core/telemetry/api-log.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import type { Outbox } from "./outbox.ts";
import type { Tracer } from "#core/tracing/tracer.ts";

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
  /** Calls that run now; absent means that nobody counts them. */
  readonly calls?: Calls;
  /** The way to the app itself; `undefined` for one that only calls. */
  readonly channel: AppChannel | undefined;
  readonly connection: AppConnection | undefined;
  readonly limits: AppLimits;
  /** SHA-256 texts of the API tokens that are accepted; empty means that none is asked for. */
  readonly apiTokens: readonly string[];
  readonly digest?: TokenOwner["digest"];
  readonly verifyToken?: TokenOwner["verifyToken"];
  /** What it may use of the process; absent means that nothing is limited. */
  readonly budget?: Budget | undefined;
  /** Where it shares the event loop with apps whose part is limited. */
  readonly loop?: LoopShare | undefined;
  /** Slows down who guesses tokens; absent means that nobody is. */
  readonly badTokens?: BadTokens | undefined;
  /** Origins that browsers may call from; absent means that CORS is off. */
  readonly origins?: Origins | undefined;
  /** What of the API is there; absent means all of it. */
  readonly apiLists?: ApiLists | undefined;
  /** Middleware before the API; absent means none. */
  readonly httpPipeline?: Pipeline | undefined;
  /** Middleware before what the app invokes outside of the runtime; absent means none. `channel` has its own already. */
  readonly appHttpPipeline?: Pipeline | undefined;
  /** Sent as `dapr-api-token` on every call to the app. */
  readonly appToken: string | undefined;
  /**
   * Share of new traces that are sampled, 0 to 1; 0 turns tracing off altogether. `undefined`: nothing is exported and no
   * rate was given, so callers' contexts are passed on as they are.
   */
  readonly samplingRate: number | undefined;
  /** Who may call it; absent: anybody. */
  readonly accessControl?: AccessControl | undefined;
  /** Exports spans of sampled traces; absent means that trace contexts are only passed on. */
  readonly tracer?: Tracer | undefined;
  /** SPIFFE trust domain of the app, from its Configuration. */
  readonly trustDomain: string;
  /** Takes what is measured of the app; absent means that nothing is. */
  readonly meter?: Meter | undefined;
  /** The metrics themselves, for what is measured with every call; `meter` is the same, for all else. */
  readonly metrics?: AppMetrics | undefined;
  /** Logs each call of the API; absent means that none is. */
  readonly apiLog?: ApiLog | undefined;
  /** What `GET /v1.0/metadata` shows under `extended`; PUT adds to it. */
  readonly extended: Map<string, string>;

  /** The component of that kind and name, or `undefined`: not there and not yours look alike. */
  component<K extends Kind>(kind: K, name: string): Loaded<K> | undefined;
  /** True when the app can see at least one component of the kind. */
  has(kind: Kind): boolean;
  /** All that loaded, in load order, one entry a document. */
  readonly loaded: ReadonlyArray<{
    readonly name: string;
    readonly type: string;
    readonly version: string;
    readonly capabilities: readonly string[];
  }>;
  readonly failed: readonly FailedComponent[];
  readonly httpEndpoints: ReadonlyMap<string, HttpEndpoint>;
  /** As the Configuration has them; absent: none. */
  readonly enabledFeatures?: readonly string[];
  readonly resiliencies: readonly string[];
  /** What those documents say; absent where there are none. */
  readonly resiliency?: Resiliency | undefined;
  secretScope(store: string): SecretScope | undefined;
  /** Live view of what the app is subscribed to. */
  readonly subscriptions: readonly SubscriptionView[];
  /** What a block has alive for the app. */
  part<T extends Alive>(part: Part<T>): T;
  readonly health: AppHealth;
  /** False: calls should rather go to others of its id, here or elsewhere. For the target to say. */
  isAvailable?: boolean;
  /** Writes a warning to the log, once in the app's life; absent: nobody reads it. */
  warnOnce?(message: string): void;
  /** Asked for by `POST /v1.0/shutdown`; the target decides what ends. */
  shutdown(force: boolean): void;
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
}
