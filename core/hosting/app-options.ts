import type { HealthProbe } from "./app-health/app-health.ts";
import type { AppConnection, AppLimits } from "#core/kernel/app.ts";
import type { TokenVerifier } from "#core/identity/token-check.ts";
import type { CoordinationSettings } from "./coordination.ts";
import type { AppChannel, AppRef } from "#core/ports/platform.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import type { Resource } from "#core/resources/resource.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";

/** What a target knows of an app that it hosts. What is absent, or `undefined`, has the default that is said. */
export interface AppOptions extends AppRef {
  /** Tells replicas of one app apart that one runtime hosts (a pod's UID). Default: there is only one. */
  readonly instance?: string | undefined;
  /** Absent: nobody can call the app. */
  readonly channel?: AppChannel | undefined;
  /** Present where `channel` is. */
  readonly connection?: AppConnection | undefined;
  /** Absent: the app is not asked, and counts as healthy. */
  readonly healthProbe?: HealthProbe | undefined;
  /** All resources that were read; scopes and namespaces are applied here. */
  readonly resources: readonly Resource[];
  readonly configuration: Configuration;
  /** SHA-256 texts (`hashToken`). */
  readonly apiTokens: readonly string[];
  /** JWTs that are API tokens, too. */
  readonly verifyToken?: TokenVerifier | undefined;
  readonly appToken?: string | undefined;
  /** Take the app's measurements; absent means that nothing is measured. */
  readonly metrics?: AppMetrics | undefined;
  /** `--enable-api-logging`; absent leaves it to the Configuration. */
  readonly apiLogging?: boolean | undefined;
  /** Origins that browsers may call from (`--allowed-origins`); absent or empty turns CORS off. */
  readonly allowedOrigins?: string | undefined;
  readonly limits: AppLimits;
  /** What its metadata shows under `extended` from the start. Default: nothing. */
  readonly extended?: Readonly<Record<string, string>> | undefined;
  /** True: `addApp` rejects when a component without `ignoreErrors` cannot start. */
  readonly failOnComponentError?: boolean | undefined;
  readonly bindingProbeMs: number;
  /** Of `config` and `subscribe`: the app is not asked for them. Default: it is. */
  readonly disableInitEndpoints?: readonly string[] | undefined;
  /** True: locks that the app still has are given back when it ends. */
  readonly releaseLocks?: boolean | undefined;
  /** Absent: neither actors nor jobs. */
  readonly coordination?: CoordinationSettings | undefined;
  shutdown(force: boolean): void;
}
