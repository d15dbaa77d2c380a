import type { AccessControl } from "#core/access-control/access-control.ts";
import type { Origins } from "#core/access-control/origins.ts";
import type { Budget } from "#core/budget/budget.ts";
import type { LoopShare } from "#core/budget/loop-share.ts";
import type { Pipeline } from "#core/middleware/pipeline.ts";
import type { Resiliency } from "#core/resiliency/policies.ts";
import type { ApiLists } from "#core/resources/api-lists.ts";
import type { SecretScope } from "#core/resources/secret-scope.ts";
import type { ApiLog } from "#core/telemetry/api-log.ts";
import type { TracedApp } from "#core/tracing/start-trace.ts";
import type { HttpEndpoint } from "./app.ts";

/** What an app's documents decide beside its components. Never changed: new documents make new ones. */
export interface AppPolicies extends TracedApp {
  /** Who may call it; absent: anybody. */
  readonly accessControl?: AccessControl | undefined;
  /** What of the API is there; absent means all of it. */
  readonly apiLists?: ApiLists | undefined;
  /** Logs each call of the API; absent means that none is. */
  readonly apiLog?: ApiLog | undefined;
  /** Middleware before what the app invokes outside of the runtime; absent means none. `App.channel` has its own already. */
  readonly appHttpPipeline?: Pipeline | undefined;
  /** What it may use of the process; absent means that nothing is limited. */
  readonly budget?: Budget | undefined;
  /** As the Configuration has them; absent: none. */
  readonly enabledFeatures?: readonly string[];
  readonly httpEndpoints: ReadonlyMap<string, HttpEndpoint>;
  /** Middleware before the API; absent means none. */
  readonly httpPipeline?: Pipeline | undefined;
  /** Where it shares the event loop with apps whose part is limited. */
  readonly loop?: LoopShare | undefined;
  /** Origins that browsers may call from; absent means that CORS is off. */
  readonly origins?: Origins | undefined;
  readonly resiliencies: readonly string[];
  /** What those documents say; absent where there are none. */
  readonly resiliency?: Resiliency | undefined;
  secretScope(store: string): SecretScope | undefined;
  /** SPIFFE trust domain of the app, from its Configuration. */
  readonly trustDomain: string;
}
