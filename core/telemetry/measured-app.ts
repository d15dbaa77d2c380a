import type { AppRef } from "#core/ports/platform.ts";
import type { AppMetrics } from "./app-metrics.ts";

/** An app as far as its metrics go; absent ones mean that nothing is measured. */
export interface MeasuredApp extends AppRef {
  readonly metrics?: AppMetrics | undefined;
}
