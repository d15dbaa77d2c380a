import { type Alive, createParts, type Part, type Parts } from "#core/kernel/part.ts";
import {
  type AppHealthCheck,
  createAppHealthCheck,
  whileHealthy,
} from "./app-health/app-health.ts";
import type { AppOptions } from "./app-options.ts";
import type { AppPolicies } from "./app-policies.ts";
import type { App, AppConnection, AppHealth, AppLimits, Loaded } from "#core/kernel/app.ts";
import { type Origins, parseOrigins } from "#core/access-control/origins.ts";
import type { BadTokens } from "#core/identity/bad-tokens.ts";
import type { Components } from "./load-components.ts";
import { behindPipeline, observedChannel } from "./observe-app.ts";
import type { Kind } from "#core/ports/manifest.ts";
import type { AppChannel, Platform } from "#core/ports/platform.ts";
import { type Calls, createCalls } from "#core/kernel/calls.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import type { SecretScope } from "#core/resources/secret-scope.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import type { Meter } from "#core/telemetry/meter.ts";

/** What operations see of a hosted app. */
export class AppState implements App {
  readonly appId: string;
  readonly namespace: string;
  readonly channel: AppChannel | undefined;
  /** Those that run under the documents in force. */
  calls: Calls = createCalls();
  readonly healthCheck: AppHealthCheck | undefined;
  readonly connection: AppConnection | undefined;
  readonly limits: AppLimits;
  readonly apiTokens: readonly string[];
  readonly digest: App["digest"];
  readonly verifyToken: App["verifyToken"];
  readonly badTokens: App["badTokens"];
  readonly appToken: string | undefined;
  readonly origins: Origins | undefined;
  readonly meter: Meter | undefined;
  readonly metrics: AppMetrics | undefined;
  readonly extended: Map<string, string>;
  readonly health: AppHealth & { readonly waitingFor: Set<string> };
  readonly shutdown: (force: boolean) => void;
  readonly warnOnce: (message: string) => void;
  isAvailable = true;
  subscriptions: readonly SubscriptionView[] = [];
  readonly parts: Parts;
  readonly #options: AppOptions;
  readonly #direct: AppChannel | undefined;
  #components: Components;
  #policies: AppPolicies;
  #behind: AppChannel | undefined;

  constructor(
    options: AppOptions,
    components: Components,
    policies: AppPolicies,
    { clock, log, sha256 }: Pick<Platform, "clock" | "log" | "sha256">,
    badTokens: BadTokens,
  ) {
    this.appId = options.appId;
    this.namespace = options.namespace;
    const { healthProbe } = options;
    const channel = observedChannel(options);
    this.healthCheck =
      channel && healthProbe ? createAppHealthCheck(channel, healthProbe, clock) : undefined;
    this.#options = options;
    this.#direct = channel;
    this.#behind = behindPipeline(channel, options, policies.appHttpPipeline);
    // What holds the channel goes through the pipeline that is in force when it sends.
    const called: AppChannel | undefined = this.#behind && {
      send: (request, call) => (this.#behind as AppChannel).send(request, call),
    };
    this.channel = called && this.healthCheck ? whileHealthy(called, this.healthCheck) : called;
    this.origins = parseOrigins(options.allowedOrigins ?? "");
    this.connection = options.connection;
    this.limits = options.limits;
    this.apiTokens = options.apiTokens;
    this.digest = sha256;
    this.verifyToken = options.verifyToken;
    this.badTokens = badTokens;
    this.appToken = options.appToken;
    this.meter = options.meter;
    this.metrics = options.metrics;
    this.extended = new Map(Object.entries(options.extended));
    this.health = { waitingFor: new Set(["app", ...options.waitFor]), outbound: true };
    this.shutdown = options.shutdown;
    const told = new Set<string>();
    this.warnOnce = (message) => {
      if (told.has(message)) return;
      told.add(message);
      log.warn(message, { app_id: this.appId });
    };
    this.parts = createParts({ clock, log, releasesHeld: options.releaseLocks === true });
    this.#components = components;
    this.#policies = policies;
  }
  /** Puts other documents into force at once; answers the calls that still run under the former. */
  replace(components: Components, policies: AppPolicies): Calls {
    const { calls } = this;
    this.calls = createCalls();
    this.#components = components;
    this.#policies = policies;
    this.#behind = behindPipeline(this.#direct, this.#options, policies.appHttpPipeline);
    return calls;
  }
  /** Takes over what is said of the same components. */
  restate(components: Components): void {
    this.#components = components;
  }
  part<T extends Alive>(part: Part<T>): T {
    return this.parts.part(part);
  }
  get policies(): AppPolicies {
    return this.#policies;
  }
  get apiLists(): App["apiLists"] {
    return this.#policies.apiLists;
  }
  get httpPipeline(): App["httpPipeline"] {
    return this.#policies.httpPipeline;
  }
  get appHttpPipeline(): App["appHttpPipeline"] {
    return this.#policies.appHttpPipeline;
  }
  get accessControl(): App["accessControl"] {
    return this.#policies.accessControl;
  }
  get budget(): App["budget"] {
    return this.#policies.budget;
  }
  get loop(): App["loop"] {
    return this.#policies.loop;
  }
  get apiLog(): App["apiLog"] {
    return this.#policies.apiLog;
  }
  get samplingRate(): App["samplingRate"] {
    return this.#policies.samplingRate;
  }
  get tracer(): App["tracer"] {
    return this.#policies.tracer;
  }
  get httpEndpoints(): App["httpEndpoints"] {
    return this.#policies.httpEndpoints;
  }
  get enabledFeatures(): NonNullable<App["enabledFeatures"]> {
    return this.#policies.enabledFeatures ?? [];
  }
  get resiliency(): App["resiliency"] {
    return this.#policies.resiliency;
  }
  get resiliencies(): App["resiliencies"] {
    return this.#policies.resiliencies;
  }
  get trustDomain(): string {
    return this.#policies.trustDomain;
  }
  component<K extends Kind>(kind: K, name: string): Loaded<K> | undefined {
    return this.#policies.component(kind, name);
  }
  has(kind: Kind): boolean {
    return this.#components.has(kind);
  }
  get loaded(): Components["list"] {
    return this.#components.list;
  }
  get failed(): Components["failed"] {
    return this.#components.failed;
  }
  secretScope(store: string): SecretScope | undefined {
    return this.#policies.secretScope(store);
  }
}
