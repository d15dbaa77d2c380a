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

/**
 * Everything that an app's resources determine, except its components. Immutable: changed resources
 * create a new value.
 */
export interface AppPolicies extends TracedApp {
  /** Decides who may call the app (`spec.accessControl`); `undefined` allows everyone. */
  readonly accessControl?: AccessControl | undefined;
  /** The parts of the API that the app can use (`spec.api`); `undefined` means all of them. */
  readonly apiLists?: ApiLists | undefined;
  /** Logs each call of the API; `undefined` if API logging is off. */
  readonly apiLog?: ApiLog | undefined;
  /**
   * Middleware for requests that the app sends to addresses outside of the runtime
   * (`spec.appHttpPipeline`); `undefined` if there is none. `App.channel` already includes its own.
   */
  readonly appHttpPipeline?: Pipeline | undefined;
  /** How much of the process the app may use; `undefined` means that nothing is limited. */
  readonly budget?: Budget | undefined;
  /** Names of the features that the Configuration enables; `undefined` means none. */
  readonly enabledFeatures?: readonly string[];
  /** The app's HTTPEndpoints, by name. */
  readonly httpEndpoints: ReadonlyMap<string, HttpEndpoint>;
  /** Middleware before the API (`spec.httpPipeline`); `undefined` if there is none. */
  readonly httpPipeline?: Pipeline | undefined;
  /** The app's share of the event loop; `undefined` unless apps with a limited share use it too. */
  readonly loop?: LoopShare | undefined;
  /** Origins that browsers may call from; `undefined` means that CORS is off. */
  readonly origins?: Origins | undefined;
  /** Names of the Resiliency resources that apply to the app. */
  readonly resiliencies: readonly string[];
  /** The policies in those resources; `undefined` if there are none. */
  readonly resiliency?: Resiliency | undefined;
  /** Returns the secrets of a store that the app may read; `undefined` means all of them. */
  secretScope(store: string): SecretScope | undefined;
  /** SPIFFE trust domain of the app (`spec.accessControl.trustDomain`). */
  readonly trustDomain: string;
}
