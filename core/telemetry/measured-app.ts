import type { AppRef } from "#core/ports/platform.ts";
import type { AppMetrics } from "./app-metrics.ts";

/** An app as far as its metrics go. */
export interface MeasuredApp extends AppRef {
  /** `undefined`: nothing is measured. Said outright, so that nobody passes something else that has none by mistake. */
  readonly metrics: AppMetrics | undefined;
}
