import { extendedMetadata } from "#core/blocks/metadata/extended-metadata.ts";
import { type AppBlocks, createAppBlocks } from "./app-blocks.ts";
import { type AppTriggers, createAppTriggers } from "./app-triggers.ts";
import type { AppOptions } from "./app-options.ts";
import { createPolicies, type PolicyDeps, type PolicySources } from "./app-policies.ts";
import { coordinationSource } from "./coordination.ts";
import { loadAppConfiguration } from "./app-configuration.ts";
import { AppContext } from "./app-context.ts";
import type { App } from "#core/kernel/app.ts";
import { createUsage, type Usage } from "#core/budget/budget.ts";
import type { AppReplica } from "./app-instances.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { type ComponentEntry, entriesOnlyIn } from "./load-components.ts";
import { loadEndpoints } from "./load-endpoints.ts";
import { type HostDeps, openComponents } from "./open-components.ts";
import { throwIfFatal } from "./opening-log.ts";
import { type Calls, whenIdle } from "#core/kernel/calls.ts";
import {
  changesOf,
  type Documents,
  type Kept,
  needsRestart,
  type ReloadFault,
  unreadFault,
  type UpdateReport,
  withUnread,
} from "./reload/documents.ts";
import { showFaults } from "./reload/show-faults.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import { ofKind, type Resource } from "#core/resources/resource.ts";
import { isVisible } from "#core/resources/scopes.ts";
import { ownTracing, type TracingOwner } from "#core/tracing/app-tracing.ts";

/** An app that the runtime hosts. */
export interface AppInstance extends AppReplica, AsyncDisposable {
  readonly app: App;
  /** Starts what calls the app: subscriptions and input bindings. Asks the app for its own first. */
  start(): Promise<void>;
  /** Stops what calls the app for good, after what is in flight; the API stays up, and the app's health is asked for still. */
  stop(): Promise<void>;
  /** False: the app owns no actors and runs no jobs here, though all else goes on. True from the beginning. */
  allowOwning(isAllowed: boolean): Promise<void>;
  /** The first part of that: jobs and turns of actors in flight end, which may need the API for it. */
  stopBlocks(): Promise<void>;
  /** Resolves once the app says that it is not well; never where it is not asked. */
  readonly unhealthy: Promise<void>;
  /**
   * Puts other documents into force while the app goes on. Never rejects: what cannot be changed stays as it
   * was, and is reported, here and in the app's metadata. Of updates that come while one runs only the last counts.
   */
  update(documents: Documents | Kept): Promise<UpdateReport>;
}

export async function hostApp(
  options: AppOptions,
  deps: HostDeps,
  gone: (hosted: AppInstance) => void,
): Promise<AppInstance> {
  const { configuration } = options;
  const resources = options.resources.filter((resource) => isVisible(resource, options));
  const components = await openComponents(options, deps, resources, configuration);
  try {
    if (options.failOnComponentError) throwIfFatal(components.failed);
    const { endpoints, faults } = await loadEndpoints(
      options,
      ofKind(resources, "HTTPEndpoint"),
      components,
      deps.platform,
    );
    const sources = { configuration, resources, components, httpEndpoints: endpoints };
    return new HostedAppInstance(options, sources, faults, deps, gone);
  } catch (reason) {
    await components.release();
    throw reason;
  }
}

/** Time that calls have to end which use a component that is there no more. */
const retireMs = 30_000;

class HostedAppInstance implements AppInstance {
  readonly app: AppContext;
  readonly instance: string;
  readonly #options: AppOptions;
  readonly #deps: HostDeps;
  readonly #gone: (hosted: AppInstance) => void;
  readonly #tracing: TracingOwner;
  readonly #callers: AppTriggers;
  readonly #blocks: AppBlocks;
  readonly #ended = new AbortController();
  /** Fires when nothing may call the app any more, though calls to it may still end. */
  readonly #stopping = new AbortController();
  readonly #usage: Usage = createUsage();
  readonly #retired = new Set<ComponentEntry>();
  #sources: Omit<PolicySources, "tracing" | "before">;
  #endpointFaults: readonly ReloadFault[];
  #next: Documents | Kept | undefined;
  #updating: Promise<UpdateReport> | undefined;
  #stopped: Promise<void> | undefined;
  #appConfiguration: Promise<void> | undefined;

  constructor(
    options: AppOptions,
    sources: Omit<PolicySources, "tracing" | "before">,
    endpointFaults: readonly ReloadFault[],
    deps: HostDeps,
    gone: (hosted: AppInstance) => void,
  ) {
    this.instance = options.instance ?? "";
    this.#options = options;
    this.#sources = sources;
    this.#endpointFaults = endpointFaults;
    this.#deps = deps;
    this.#gone = gone;
    this.#tracing = ownTracing(options, deps.platform);
    const tracing = this.#tracing.of(sources.configuration.tracing);
    const policies = createPolicies({ ...sources, tracing }, this.#policyDeps());
    const coordination =
      options.coordination &&
      coordinationSource(options.coordination, deps, () => this.#sources.components);
    this.app = new AppContext(
      options,
      sources.components,
      policies,
      deps.platform,
      deps.badTokens,
      coordination,
    );
    this.#callers = createAppTriggers(this.app, options, deps.platform, {
      stopping: this.#stopping.signal,
      ended: this.#ended.signal,
    });
    this.#blocks = createAppBlocks(deps.blocksFor(this.app));
  }
  #policyDeps(): PolicyDeps {
    const { appId, namespace, connection, metrics, apiLogging, allowedOrigins } = this.#options;
    const { loop, platform } = this.#deps;
    const isHttp = !connection?.protocol.startsWith("grpc");
    const app = { appId, namespace, apiLogging, allowedOrigins, isHttp, meter: metrics };
    return { ...platform, ...app, loop, usage: this.#usage };
  }
  async start(): Promise<void> {
    const { healthCheck } = this.app;
    this.#callers.show(this.#sources);
    await this.#callers.startOutboxes(this.#sources.components);
    if (!healthCheck) {
      await this.#loadAppConfiguration();
      await this.#startAll();
      return this.#isUp();
    }
    this.#isUp();
    const { log } = this.#deps.platform;
    void healthCheck.run(
      async (isHealthy) => {
        log.info(`The app is ${isHealthy ? "healthy" : "no longer healthy"}`, {
          app_id: this.app.appId,
        });
        if (!isHealthy) return this.#stopAll();
        await this.#loadAppConfiguration();
        if (!this.#stopping.signal.aborted) await this.#startAll();
      },
      { signal: this.#ended.signal },
    );
  }
  async #startAll(): Promise<void> {
    await this.#callers.start(this.#sources);
    await this.#blocks.setReady(true);
  }
  async #stopAll(): Promise<void> {
    await Promise.allSettled([this.#callers.stop(), this.stopBlocks()]);
  }
  stopBlocks(): Promise<void> {
    return this.#blocks.setReady(false);
  }
  allowOwning(isAllowed: boolean): Promise<void> {
    return this.#blocks.setAllowed(isAllowed);
  }
  /** Not again when the app is well again. */
  #loadAppConfiguration(): Promise<void> {
    return (this.#appConfiguration ??= loadAppConfiguration(
      this.app,
      !this.#options.disableInitEndpoints?.includes("config"),
      this.#deps.platform,
      { signal: this.#stopping.signal },
    ));
  }
  update(documents: Documents | Kept): Promise<UpdateReport> {
    this.#next = documents;
    return (this.#updating ??= this.#updateAll().finally(() => (this.#updating = undefined)));
  }
  async #updateAll(): Promise<UpdateReport> {
    let report: UpdateReport = { changed: false, faults: [] };
    for (let next = this.#next; next && !this.#stopping.signal.aborted; next = this.#next) {
      this.#next = undefined;
      const last = await this.#update(next);
      report = { changed: report.changed || last.changed, faults: last.faults };
    }
    return report;
  }
  async #update(documents: Documents | Kept): Promise<UpdateReport> {
    const { clock, log } = this.#deps.platform;
    if ("kept" in documents) {
      const faults = [unreadFault("", documents.kept)];
      showFaults(this.app.part(extendedMetadata), faults, clock.now());
      return { changed: false, faults };
    }
    const before = this.#sources;
    const { configuration } = documents;
    const unread = documents.unread.map(({ file, why }) => unreadFault(file, why));
    const resources = withUnread(documents, before.resources).filter((resource) =>
      isVisible(resource, this.#options),
    );
    const changes = changesOf(before, { resources, configuration });
    const isSame = changes === "";
    // What has failed is tried again: what it lacked may be there now.
    const { failed, faults: former } = before.components;
    const isDone = isSame && failed.length + former.length + this.#endpointFaults.length === 0;
    const faults = isDone
      ? unread
      : [...unread, ...(await this.#replace(resources, configuration, isSame))];
    showFaults(this.app.part(extendedMetadata), faults, clock.now());
    if (!isSame) log.info(`Resources reloaded: ${changes}`, { app_id: this.app.appId });
    return { changed: !isSame, faults };
  }
  /** All of it or nothing; a component that does not open is left as it was. */
  async #replace(
    resources: readonly Resource[],
    configuration: Configuration,
    isSame: boolean,
  ): Promise<readonly ReloadFault[]> {
    const { platform } = this.#deps;
    const before = this.#sources;
    const components = await openComponents(
      this.#options,
      this.#deps,
      resources,
      configuration,
      before.components,
    );
    const isVain =
      entriesOnlyIn(components, before.components).length + this.#endpointFaults.length === 0;
    if (isSame && isVain) {
      // Nothing new has opened, so that nothing is to follow.
      this.app.restate(components);
      this.#sources = { ...before, components };
      return components.faults;
    }
    try {
      const documents = ofKind(resources, "HTTPEndpoint");
      const { endpoints, faults } = await loadEndpoints(
        this.#options,
        documents,
        components,
        platform,
        before.httpEndpoints,
      );
      const sources = { configuration, resources, components, httpEndpoints: endpoints };
      const tracing = this.#tracing.of(configuration.tracing);
      const policies = createPolicies(
        { ...sources, tracing, before: this.app.policies },
        this.#policyDeps(),
      );
      const late = needsRestart(before.configuration, configuration);
      if (late.length > 0)
        platform.log.warn(`Changes of ${late.join(", ")} need a restart`, {
          app_id: this.app.appId,
        });
      const calls = this.app.replace(components, policies);
      this.#sources = sources;
      this.#endpointFaults = faults;
      await this.#callers.follow(sources);
      await this.#blocks.follow();
      this.#retire(entriesOnlyIn(before.components, components), calls);
      return [...components.faults, ...faults];
    } catch (reason) {
      await Promise.allSettled(
        entriesOnlyIn(components, before.components).map((entry) => entry.release()),
      );
      const fault = unreadFault("", `nothing was changed: ${messageOf(reason)}`);
      platform.log.error(`Cannot reload resources: ${messageOf(reason)}`, {
        app_id: this.app.appId,
      });
      return [...components.faults, fault];
    }
  }
  /** Closes what is there no more once nobody uses it; a store that somebody watches only with the app. */
  #retire(entries: readonly ComponentEntry[], calls: Calls): void {
    for (const entry of entries) this.#retired.add(entry);
    const { clock } = this.#deps.platform;
    void whenIdle(calls, retireMs, clock).then(() => {
      for (const entry of entries) {
        if (this.app.parts.uses(entry.document.name)) continue;
        this.#retired.delete(entry);
        void entry.release();
      }
    });
  }
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }
  async #stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#stopAll(), this.app.parts.stop()]);
  }
  get unhealthy(): Promise<void> {
    return this.app.healthCheck?.unhealthy ?? new Promise(() => {});
  }
  /** From here on `healthz` answers 204. */
  #isUp(): void {
    this.app.health.waitingFor.delete("app");
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone(this);
    await this.stop();
    await this.#updating;
    await this.#callers.stopOutboxes();
    this.#ended.abort();
    await this.app.parts.close();
    await this.#sources.components.release();
    await Promise.allSettled([...this.#retired].map((entry) => entry.release()));
    this.#tracing.close();
  }
}
