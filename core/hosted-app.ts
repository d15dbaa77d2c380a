import type { App, AppConnection, AppHealth, AppLimits, HttpEndpoint, Loaded } from "./app.ts";
import {
  type AppHealthCheck,
  createAppHealthCheck,
  type HealthProbe,
  whileHealthy,
} from "./app-health/app-health.ts";
import { startInputBindings } from "./bindings/input.ts";
import type { ApiLists } from "./api-access/rules.ts";
import {
  type ConfigurationSubscriptions,
  createConfigurationSubscriptions,
} from "./configuration/subscriptions.ts";
import { type Origins, parseOrigins } from "./http/cors.ts";
import { throughAppPipeline } from "./middleware/app-pipeline.ts";
import type { Pipeline } from "./middleware/pipeline.ts";
import { resolvePipeline } from "./middleware/resolve.ts";
import { sandboxed } from "./middleware/sandbox.ts";
import type { Configuration } from "./resources/configuration.ts";
import type { ComponentDocument } from "./resources/component.ts";
import type { Resource } from "./resources/resource.ts";
import { isVisible } from "./resources/scopes.ts";
import { type Components, loadComponents, type LoadDeps } from "./load-components.ts";
import { loadEndpoints } from "./load-endpoints.ts";
import type { Kind } from "./ports/manifest.ts";
import type { AppChannel, AppRef, Platform } from "./ports/platform.ts";
import { startSubscriptions } from "./pubsub/consume.ts";
import {
  createStreamingSubscriptions,
  type StreamingSubscriptions,
} from "./pubsub/streaming-subscriptions.ts";
import type { SubscriptionView } from "./pubsub/subscriptions.ts";
import type { SecretScope } from "./secrets/scope.ts";
import { startOutboxes } from "./state/outbox-delivery.ts";

export interface AppOptions extends AppRef {
  readonly channel?: AppChannel;
  readonly connection?: AppConnection;
  /** Absent: the app is not asked, and counts as healthy. */
  readonly healthProbe?: HealthProbe;
  /** All resources that were read; scopes and namespaces are applied here. */
  readonly resources: readonly Resource[];
  readonly configuration: Configuration;
  /** SHA-256 texts (`hashToken`). */
  readonly apiTokens: readonly string[];
  readonly appToken?: string;
  /** Origins that browsers may call from (`--allowed-origins`); absent or empty turns CORS off. */
  readonly allowedOrigins?: string;
  readonly limits: AppLimits;
  readonly extended: Readonly<Record<string, string>>;
  /** Parts of the target that must be up before `healthz` is, for example "app-port". */
  readonly waitFor: readonly string[];
  /** True: `addApp` rejects when a component without `ignoreErrors` cannot start. */
  readonly failOnComponentError: boolean;
  readonly bindingProbeMs: number;
  readonly disableInitEndpoints: readonly string[];
  shutdown(force: boolean): void;
}

/** An app that the runtime hosts. */
export interface HostedApp extends AsyncDisposable {
  readonly app: App;
  /** Starts what calls the app: subscriptions and input bindings. Asks the app for its own first. */
  start(): Promise<void>;
  /** Stops what calls the app for good, after what is in flight; the API stays up, and the app's health is asked for still. */
  stop(): Promise<void>;
  /** Resolves once the app says that it is not well; never where it is not asked. */
  readonly unhealthy: Promise<void>;
  /** A part named in `waitFor` is up. */
  isUp(part: string): void;
}

interface Running {
  stop(): Promise<void>;
}

export async function hostApp(
  options: AppOptions,
  deps: Omit<LoadDeps, "denied">,
  gone: () => void,
): Promise<HostedApp> {
  const resources = options.resources.filter((resource) => isVisible(resource, options));
  const denied = new Set(options.configuration.components.deny);
  const components = await loadComponents(options, componentsOf(resources, options), {
    ...deps,
    denied,
  });
  try {
    const fatal = components.failed.filter(({ ignored }) => !ignored);
    if (options.failOnComponentError && fatal.length > 0)
      throw new Error(fatal.map(({ reason }) => reason).join("\n"));
    const documents = ofKind(resources, "HTTPEndpoint");
    const endpoints = await loadEndpoints(options, documents, components, deps.platform.env);
    return new Hosted(options, resources, components, endpoints, deps, gone);
  } catch (reason) {
    await components.release();
    throw reason;
  }
}

class Hosted implements HostedApp {
  readonly app: AppState;
  readonly #resources: readonly Resource[];
  readonly #components: Components;
  readonly #options: AppOptions;
  readonly #deps: Omit<LoadDeps, "denied">;
  readonly #gone: () => void;
  readonly #ended = new AbortController();
  /** Fires when nothing may call the app any more, though calls to it may still end. */
  readonly #stopping = new AbortController();
  #running: readonly Running[] = [];
  #stopped: Promise<void> | undefined;
  #outboxes: Running | undefined;

  constructor(
    options: AppOptions,
    resources: readonly Resource[],
    components: Components,
    endpoints: ReadonlyMap<string, HttpEndpoint>,
    deps: Omit<LoadDeps, "denied">,
    gone: () => void,
  ) {
    this.#options = options;
    this.#resources = resources;
    this.#components = components;
    this.#deps = deps;
    this.#gone = gone;
    this.app = new AppState(
      options,
      components,
      endpoints,
      ofKind(resources, "Resiliency").map(({ name }) => name),
      deps.platform,
    );
  }
  async start(): Promise<void> {
    const { healthCheck } = this.app;
    this.#outboxes = await startOutboxes(
      this.app,
      this.#components.all("state"),
      this.#deps.platform,
    );
    // It may have ended while it started.
    if (this.#ended.signal.aborted) await this.#outboxes.stop();
    if (!healthCheck) {
      await this.#startCallers();
      return this.isUp("app");
    }
    this.isUp("app");
    const { log } = this.#deps.platform;
    void healthCheck.run(
      async (isHealthy) => {
        log.info(`The app is ${isHealthy ? "healthy" : "not healthy any more"}`, {
          app_id: this.app.appId,
        });
        if (!isHealthy) await this.#stopCallers();
        else if (!this.#stopping.signal.aborted) await this.#startCallers();
      },
      { signal: this.#ended.signal },
    );
  }
  async #startCallers(): Promise<void> {
    const { clock, log } = this.#deps.platform;
    const options = { signal: this.#ended.signal };
    const programmatic = !this.#options.disableInitEndpoints.includes("subscribe");
    const consumption = await startSubscriptions(
      this.app,
      ofKind(this.#resources, "Subscription"),
      { clock, log, programmatic },
      options,
    );
    this.app.subscriptions = consumption.views;
    const bindings = await startInputBindings(
      this.app,
      this.#components.all("bindings.input"),
      { clock, log, probeMs: this.#options.bindingProbeMs },
      options,
    );
    this.#running = [consumption, bindings];
    // It may have been asked to stop while it started.
    if (this.#stopping.signal.aborted) await this.#stopCallers();
  }
  async #stopCallers(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    await Promise.allSettled(running.map((each) => each.stop()));
  }
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }
  async #stop(): Promise<void> {
    this.#stopping.abort();
    const { streaming, configurationSubscriptions } = this.app;
    await Promise.allSettled([
      this.#stopCallers(),
      streaming.stop(),
      configurationSubscriptions.stop(),
    ]);
  }
  get unhealthy(): Promise<void> {
    return this.app.healthCheck?.unhealthy ?? new Promise(() => {});
  }
  isUp(part: string): void {
    this.app.health.waitingFor.delete(part);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone();
    await this.stop();
    await this.#outboxes?.stop();
    this.#ended.abort();
    await this.#components.release();
  }
}

/** What operations see of a hosted app. */
class AppState implements App {
  readonly appId: string;
  readonly namespace: string;
  readonly channel: AppChannel | undefined;
  readonly healthCheck: AppHealthCheck | undefined;
  readonly connection: AppConnection | undefined;
  readonly limits: AppLimits;
  readonly apiTokens: readonly string[];
  readonly appToken: string | undefined;
  readonly origins: Origins | undefined;
  readonly apiLists: ApiLists | undefined;
  readonly httpPipeline: Pipeline | undefined;
  readonly appHttpPipeline: Pipeline | undefined;
  readonly samplingRate: number;
  readonly extended: Map<string, string>;
  readonly httpEndpoints: ReadonlyMap<string, HttpEndpoint>;
  readonly resiliencies: readonly string[];
  readonly health: AppHealth & { readonly waitingFor: Set<string> };
  readonly shutdown: (force: boolean) => void;
  subscriptions: readonly SubscriptionView[] = [];
  readonly streaming: StreamingSubscriptions;
  readonly configurationSubscriptions: ConfigurationSubscriptions;
  readonly #components: Components;
  readonly #secretScopes: ReadonlyMap<string, SecretScope>;

  constructor(
    options: AppOptions,
    components: Components,
    httpEndpoints: ReadonlyMap<string, HttpEndpoint>,
    resiliencies: readonly string[],
    { clock, log }: Pick<Platform, "clock" | "log">,
  ) {
    const { api, httpPipeline, appHttpPipeline } = options.configuration;
    this.appId = options.appId;
    this.namespace = options.namespace;
    this.appHttpPipeline = resolvePipeline("appHttpPipeline", appHttpPipeline, components, log);
    const { channel, healthProbe } = options;
    this.healthCheck =
      channel && healthProbe ? createAppHealthCheck(channel, healthProbe, clock) : undefined;
    const called = channelOf(options, this.appHttpPipeline);
    this.channel = called && this.healthCheck ? whileHealthy(called, this.healthCheck) : called;
    this.httpPipeline = resolvePipeline("httpPipeline", httpPipeline, components, log);
    this.apiLists = api.allowed.length + api.denied.length > 0 ? api : undefined;
    this.origins = parseOrigins(options.allowedOrigins ?? "");
    this.connection = options.connection;
    this.limits = options.limits;
    this.apiTokens = options.apiTokens;
    this.appToken = options.appToken;
    this.samplingRate = options.configuration.tracing.samplingRate;
    this.extended = new Map(Object.entries(options.extended));
    this.httpEndpoints = httpEndpoints;
    this.resiliencies = resiliencies;
    this.health = { waitingFor: new Set(["app", ...options.waitFor]), outbound: true };
    this.shutdown = options.shutdown;
    this.streaming = createStreamingSubscriptions(clock, log);
    this.configurationSubscriptions = createConfigurationSubscriptions(clock, log);
    this.#components = components;
    this.#secretScopes = new Map(
      options.configuration.secrets.scopes.map((scope) => [scope.storeName, scope]),
    );
  }
  component<K extends Kind>(kind: K, name: string): Loaded<K> | undefined {
    return this.#components.get(kind, name);
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
    return this.#secretScopes.get(store);
  }
}

/** Dapr: middleware is for HTTP; an app that speaks gRPC is called without. */
function channelOf(
  { channel, connection, limits }: AppOptions,
  pipeline: Pipeline | undefined,
): AppChannel | undefined {
  return channel && pipeline && !connection?.protocol.startsWith("grpc")
    ? throughAppPipeline(channel, pipeline, limits.maxBodyBytes)
    : channel;
}

function componentsOf(
  resources: readonly Resource[],
  { configuration }: AppOptions,
): readonly ComponentDocument[] {
  const documents = ofKind(resources, "Component");
  return configuration.wasm.strictSandbox ? documents.map(sandboxed) : documents;
}

function ofKind<K extends Resource["kind"]>(
  resources: readonly Resource[],
  kind: K,
): ReadonlyArray<Extract<Resource, { readonly kind: K }>> {
  return resources.filter((resource) => resource.kind === kind) as never;
}
