import type { HealthProbe } from "./app-health/app-health.ts";
import type { AppConnection, AppLimits } from "#core/kernel/app.ts";
import type { TokenVerifier } from "#core/identity/token-check.ts";
import type { AppChannel, AppRef } from "#core/ports/platform.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import type { Resource } from "#core/resources/resource.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import type { Meter } from "#core/telemetry/meter.ts";

export interface AppOptions extends AppRef {
  /** Tells replicas of one app apart that one runtime hosts (a pod's UID). Absent: there is only one. */
  readonly instance?: string;
  readonly channel?: AppChannel;
  readonly connection?: AppConnection;
  /** Absent: the app is not asked, and counts as healthy. */
  readonly healthProbe?: HealthProbe;
  /** All resources that were read; scopes and namespaces are applied here. */
  readonly resources: readonly Resource[];
  readonly configuration: Configuration;
  /** SHA-256 texts (`hashToken`). */
  readonly apiTokens: readonly string[];
  /** JWTs that are API tokens, too. */
  readonly verifyToken?: TokenVerifier;
  readonly appToken?: string;
  /** Takes the app's measurements; absent means that nothing is measured. */
  readonly meter?: Meter;
  /** The same once more, for what is measured with every call. */
  readonly metrics?: AppMetrics;
  /** `--enable-api-logging`; absent leaves it to the Configuration. */
  readonly apiLogging?: boolean;
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
  /** True: locks that the app still has are given back when it ends. */
  readonly releaseLocks?: boolean;
  shutdown(force: boolean): void;
}
