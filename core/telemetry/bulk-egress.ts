import type { Call } from "#core/call.ts";
import type { Invoke, Operation } from "#core/operation.ts";
import type { BulkPublish, FailedEntry } from "#core/pubsub/bulk.ts";
import type { AppMetrics } from "./app-metrics.ts";
import { note } from "./note.ts";

export function isBulk(operation: string): boolean {
  return operation === "pubsub.bulk_publish";
}

/** A bulk publish: the call, and the events that the broker took, which may be some where the call has failed. */
export async function bulkEgress(
  next: Invoke,
  metrics: AppMetrics,
  operation: Operation<never, unknown>,
  call: Call,
  input: unknown,
): Promise<unknown> {
  const { pubsub, topic, entries } = input as BulkPublish;
  if (!call.app.component("pubsub", pubsub)) return next(operation, call, input);
  const began = performance.now();
  const { namespace } = call.app;
  const labels = (success: string): string[] => [pubsub, namespace, success, topic];
  let failed: readonly FailedEntry[] | undefined;
  try {
    failed = (await next(operation, call, input)) as readonly FailedEntry[];
    return failed;
  } finally {
    const success = String(failed?.length === 0);
    note(metrics, "component_pubsub_egress_bulk", labels(success), performance.now() - began);
    const taken = failed ? entries.length - failed.length : 0;
    metrics.family("component_pubsub_egress_bulk_event_count").of(labels("true")).put(taken);
  }
}
