import { type Alive, createParts, type Part, type Parts } from "#core/kernel/part.ts";
import {
  type AppHealthCheck,
  createAppHealthCheck,
  whileHealthy,
} from "./app-health/app-health.ts";
import type { AppOptions } from "./app-options.ts";
import type { PoliciesInForce } from "./app-policies.ts";
import type {
  App,
  AppConnection,
  AppHealth,
  AppIdentity,
  AppLimits,
  AppTelemetry,
  Loaded,
} from "#core/kernel/app.ts";
import type { CoordinationSource } from "#core/kernel/coordination.ts";
import type { BadTokens } from "#core/identity/bad-tokens.ts";
import type { Components } from "./load-components.ts";
import { behindPipeline, observedChannel } from "./observe-app.ts";
import type { Kind } from "#core/ports/manifest.ts";
import type { AppChannel, Clock, Log, Platform } from "#core/ports/platform.ts";
import { type Calls, createCalls } from "#core/kernel/calls.ts";

/** What operations see of a hosted app. */
export class AppContext implements App {
  readonly appId: string;
  readonly namespace: string;
  readonly instance: string | undefined;
  readonly clock: Clock;
  readonly channel: AppChannel | undefined;
  /** Those that run under the documents in force. */
  calls: Calls = createCalls();
  readonly healthCheck: AppHealthCheck | undefined;
  readonly connection: AppConnection | undefined;
  readonly limits: AppLimits;
  readonly identity: AppIdentity;
  readonly telemetry: AppTelemetry;
  readonly health: AppHealth & { readonly waitingFor: Set<string> };
  readonly shutdown: (force: boolean) => void;
  readonly parts: Parts;
  readonly #options: AppOptions;
  readonly #direct: AppChannel | undefined;
  #components: Components;
  #policies: PoliciesInForce;
  #behind: AppChannel | undefined;

  constructor(
    options: AppOptions,
    components: Components,
    policies: PoliciesInForce,
    platform: Pick<Platform, "clock" | "log" | "sha256">,
    badTokens: BadTokens,
    coordination?: CoordinationSource,
  ) {
    const { clock, log } = platform;
    this.appId = options.appId;
    this.namespace = options.namespace;
    this.instance = options.instance;
    this.clock = clock;
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
    this.connection = options.connection;
    this.limits = options.limits;
    this.identity = identityOf(options, platform, badTokens, () => this.#policies.trustDomain);
    this.telemetry = telemetryOf(options, log);
    this.health = {
      waitingFor: new Set(["app"]),
      outbound: true,
      isAvailable: true,
    };
    this.shutdown = options.shutdown;
    const { extended = {}, releaseLocks } = options;
    this.parts = createParts({
      clock,
      log,
      extended,
      releasesHeld: releaseLocks === true,
      coordination,
    });
    this.#components = components;
    this.#policies = policies;
  }
  /** Puts other documents into force at once; answers the calls that still run under the former. */
  replace(components: Components, policies: PoliciesInForce): Calls {
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
  get policies(): PoliciesInForce {
    return this.#policies;
  }
  get components(): Components {
    return this.#components;
  }
  component<K extends Kind>(kind: K, name: string): Loaded<K> | undefined {
    return this.#policies.component(kind, name);
  }
}

function identityOf(
  { appId, namespace, apiTokens, verifyToken, appToken }: AppOptions,
  { sha256 }: Pick<Platform, "sha256">,
  badTokens: BadTokens,
  trustDomain: () => string,
): AppIdentity {
  return {
    appId,
    namespace,
    apiTokens,
    appToken,
    badTokens,
    digest: sha256,
    verifyToken,
    /** Of the documents in force. */
    get trustDomain() {
      return trustDomain();
    },
  };
}

function telemetryOf({ appId, namespace, metrics }: AppOptions, log: Log): AppTelemetry {
  const said = new Set<string>();
  return {
    appId,
    namespace,
    metrics,
    warnOnce: (message) => {
      if (said.has(message)) return;
      said.add(message);
      log.warn(message, { app_id: appId });
    },
  };
}
