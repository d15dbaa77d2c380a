import type { Delivery } from "./delivery.ts";
import { recordLatency } from "#core/telemetry/record-latency.ts";

/** What becomes of a message, and what the app (or the runtime) said to it. */
export type ProcessStatus = "success" | "retry" | "drop";

type From = Pick<Delivery, "app" | "component" | "topic">;

/** When something began, for those who are measured; 0 for all others. */
export function beginning({ telemetry: { metrics } }: Delivery["app"]): number {
  return metrics ? metrics.clock.monotonic() : 0;
}

/** A message that the app has had, or that never came so far. */
export function noteIngress(
  { app, component, topic }: From,
  began: number,
  processStatus: ProcessStatus,
  status: ProcessStatus = processStatus,
): void {
  const { metrics } = app.telemetry;
  if (!metrics) return;
  const labels = [component.name, app.namespace, processStatus, status, topic];
  recordLatency(metrics, "component_pubsub_ingress", labels, metrics.clock.monotonic() - began);
}

/** A batch that the app has had, and its messages by what becomes of each. */
export function noteBulkIngress<V extends string>(
  { app, component, topic }: From,
  began: number,
  verdicts: readonly V[],
  statuses: Readonly<Record<V, ProcessStatus>>,
): void {
  const { metrics, namespace } = app.telemetry;
  if (!metrics) return;
  const labels = (status: string): string[] => [component.name, namespace, status, topic];
  // Dapr: the batch itself has no status.
  const ms = metrics.clock.monotonic() - began;
  recordLatency(metrics, "component_pubsub_ingress_bulk", labels(""), ms);
  const counts = metrics.family("component_pubsub_ingress_bulk_event_count");
  for (const verdict of verdicts) counts.of(labels(statuses[verdict])).put(1);
}
