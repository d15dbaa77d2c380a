import { parseOrigins } from "#core/access-control/origins.ts";
import { createAccessControl } from "#core/access-control/access-control.ts";
import type { AppOptions } from "./app-options.ts";
import type { App, HttpEndpoint } from "#core/kernel/app.ts";
import type { AppPolicies } from "#core/kernel/app-policies.ts";
import { createBudget, type Usage } from "#core/budget/budget.ts";
import type { LoopShare } from "#core/budget/loop-share.ts";
import { budgetFromEnv } from "#core/resources/budget.ts";
import { guardComponents } from "./guarded-components.ts";
import { defaultTrustDomain } from "#core/identity/workload.ts";
import type { Components } from "./load-components.ts";
import { resolvePipeline } from "#core/middleware/resolve.ts";
import type { Platform } from "#core/ports/platform.ts";
import { meaningOf } from "./reload/documents.ts";
import { createResiliency } from "#core/resiliency/policies.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import type { Resource } from "#core/resources/resource.ts";
import { createApiLog } from "#core/telemetry/api-log.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import type { AppTracing } from "#core/tracing/app-tracing.ts";

/** What an app's documents decide, and its components as they let it use them. A call sees one set. */
export interface PoliciesInForce extends AppPolicies, Pick<App, "component"> {
  /** The documents that `resiliency` was made of, as text. */
  readonly resiliencyText: string;
}

export interface PolicySources {
  readonly configuration: Configuration;
  /** Those that the app may see. */
  readonly resources: readonly Resource[];
  readonly components: Components;
  readonly httpEndpoints: ReadonlyMap<string, HttpEndpoint>;
  readonly tracing: AppTracing;
  /** Those in force now: what has not changed keeps what it remembers. */
  readonly before?: PoliciesInForce;
}
export interface PolicyDeps
  extends Pick<Platform, "clock" | "env" | "log">, Pick<AppOptions, "appId" | "namespace"> {
  /** Of the command line, which wins over the Configuration. */
  readonly apiLogging: boolean | undefined;
  readonly allowedOrigins: string | undefined;
  /** The app speaks HTTP; or nobody calls it. */
  readonly isHttp: boolean;
  readonly meter: Meter | undefined;
  /** What the app uses now, whatever documents are in force. */
  readonly usage: Usage;
  readonly loop: LoopShare;
}

/** Throws where a document cannot be put into force: a pipeline that names a middleware which is not there. */
export function createPolicies(sources: PolicySources, deps: PolicyDeps): PoliciesInForce {
  const { log } = deps;
  const { configuration, resources, components, httpEndpoints, tracing } = sources;
  const { accessControl, api, appHttpPipeline, features, httpPipeline, secrets } = configuration;
  const secretScopes = new Map(secrets.scopes.map((scope) => [scope.storeName, scope]));
  const documents = resources.filter((resource) => resource.kind === "Resiliency");
  const resiliencyText = documents.map(meaningOf).join("\n");
  const resiliency =
    sources.before?.resiliencyText === resiliencyText
      ? sources.before.resiliency
      : documents.length > 0
        ? createResiliency(documents, deps)
        : undefined;
  const settings = { ...budgetFromEnv(deps.env), ...configuration.budget };
  const hasLoop = settings.maxLoopMsPerSecond !== undefined;
  const budget = createBudget(settings, deps.usage, deps.loop, deps.meter);
  const view = guardComponents(components, resiliency);
  return {
    component: (kind, name) => view.get(kind, name),
    resiliency,
    resiliencyText,
    budget,
    // Counted only where somebody's part is limited, and by all.
    loop: hasLoop ? undefined : deps.loop,
    apiLog: createApiLog({
      appId: deps.appId,
      settings: configuration.apiLogging,
      flag: deps.apiLogging,
      clock: deps.clock,
      log,
    }),
    apiLists: api.allowed.length + api.denied.length > 0 ? api : undefined,
    appHttpPipeline: resolvePipeline("appHttpPipeline", appHttpPipeline, components, log),
    httpPipeline: resolvePipeline("httpPipeline", httpPipeline, components, log),
    httpEndpoints,
    origins: parseOrigins(deps.allowedOrigins ?? ""),
    enabledFeatures: [...features].filter(([, isOn]) => isOn).map(([name]) => name),
    resiliencies: documents.map(({ name }) => name),
    samplingRate: tracing.samplingRate,
    secretScope: (store) => secretScopes.get(store),
    accessControl: accessControl && createAccessControl(accessControl, deps.isHttp, deps.meter),
    tracer: tracing.tracer,
    trustDomain: accessControl?.trustDomain ?? defaultTrustDomain,
  };
}
