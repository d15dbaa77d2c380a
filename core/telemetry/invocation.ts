import type { PlainResponse } from "#core/ports/platform.ts";
import type { AppMetrics } from "./app-metrics.ts";
import type { MeasuredApp } from "./measured-app.ts";
import { seriesCache, cachedByLabel } from "./series-cache.ts";
import type { Series } from "./series.ts";

/** An app that has metrics, or may have. */
type Measured = MeasuredApp | undefined;

export interface InvocationIds {
  readonly caller: string;
  /** As the caller names it. */
  readonly callee: string;
}

/** True where a call from one app to another is to be measured. Dapr: a call to oneself is none. */
export function isMeasured(caller: Measured, callee: Measured): boolean {
  return caller !== callee && (caller?.metrics ?? callee?.metrics) !== undefined;
}

/** Counts a call at both its ends, as far as they are here. Rejects as `answer` does. */
export async function measuredInvocation<A extends Pick<PlainResponse, "status">>(
  caller: Measured,
  callee: Measured,
  ids: InvocationIds,
  answer: () => Promise<A>,
): Promise<A> {
  const began = caller?.metrics?.clock.monotonic() ?? 0;
  if (caller?.metrics) sentTo(caller.metrics, ids.callee).requests.put(1);
  const from = callee?.metrics && receivedFrom(callee.metrics, ids.caller);
  from?.requests.put(1);
  let status = "500";
  try {
    const response = await answer();
    status = String(response.status);
    return response;
  } finally {
    from?.responses(status).put(1);
    if (caller?.metrics)
      noteAnswer(caller.metrics, ids.callee, status, caller.metrics.clock.monotonic() - began);
  }
}

/** An answer that the caller got. */
export function noteAnswer(metrics: AppMetrics, callee: string, status: string, ms: number): void {
  const { count, latency } = sentTo(metrics, callee).responses(status);
  count.put(1);
  latency.put(ms);
}

/** What is counted of the calls to one app, or from one. */
interface Ends<T> {
  readonly requests: Series;
  responses(status: string): T;
}
interface Answered {
  readonly count: Series;
  readonly latency: Series;
}

const sentTo = seriesCache<Ends<Answered>>((metrics, callee) => ({
  requests: metrics.family("runtime_service_invocation_req_sent_total").of([callee, "unary"]),
  responses: cachedByLabel((status) => ({
    count: metrics
      .family("runtime_service_invocation_res_recv_total")
      .of([callee, status, "unary"]),
    latency: metrics.family("runtime_service_invocation_res_recv_latency_ms").of([callee, status]),
  })),
}));
const receivedFrom = seriesCache<Ends<Series>>((metrics, caller) => ({
  requests: metrics.family("runtime_service_invocation_req_recv_total").of([caller]),
  responses: cachedByLabel((status) =>
    metrics.family("runtime_service_invocation_res_sent_total").of([caller, status]),
  ),
}));
