import type { AppChannel, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { splitTarget, decodePath } from "#core/util/path.ts";
import { sizeOf } from "#core/util/bytes.ts";
import { watchBody } from "#core/util/watch-body.ts";
import type { AppMetrics } from "./app-metrics.ts";
import { maxSeries } from "./family.ts";
import { verbLabel } from "./verb-label.ts";
import { cachedByLabel } from "./series-cache.ts";
import type { Series } from "./series.ts";
import { TupleCache } from "./tuple-cache.ts";

interface Completed {
  readonly count: Series;
  readonly latency: Series;
}
/** What is counted of the calls to one path by one method. */
interface Calls {
  readonly sent: Series;
  completed(status: string): Completed;
}

/** The way to an HTTP app, every call of it measured; health probes apart. */
export function measuredChannel(channel: AppChannel, metrics: AppMetrics): AppChannel {
  const { clock, cost } = metrics;
  const found = new TupleCache<Calls>(2 * maxSeries);
  const received = metrics.family("http_client_received_bytes").of([]);
  const callsOf = (method: string, path: string): Calls => ({
    // Dapr: the status is not known yet, and stays empty.
    sent: metrics.family("http_client_sent_bytes").of([method, path, ""]),
    completed: cachedByLabel((status) => ({
      count: metrics.family("http_client_completed_count").of([method, path, status]),
      latency: metrics.family("http_client_roundtrip_latency").of([method, path, status]),
    })),
  });

  const completed = (calls: Calls, status: string, began: number, bytes: number): void => {
    const { count, latency } = calls.completed(status);
    count.put(1);
    latency.put(clock.monotonic() - began);
    received.put(bytes);
    cost.app.end(bytes);
  };
  return {
    send: async (request, options) => {
      if (request.callback?.kind === "health") return probe(channel, request, options, metrics);
      const path = metrics.pathLabel(decodePath(splitTarget(request.path).path));
      const method = verbLabel(request.method, metrics);
      const key = [method, path];
      const calls = found.get(key) ?? found.put(key, callsOf(method, path));
      const bytes = bodySize(request);
      const began = clock.monotonic();
      calls.sent.put(bytes);
      cost.app.begin(bytes);
      let response: PlainResponse;
      try {
        response = await channel.send(request, options);
      } catch (reason) {
        completed(calls, "500", began, 0);
        throw reason;
      }
      const status = String(response.status);
      const { body } = response;
      if (body instanceof ReadableStream)
        return {
          ...response,
          body: watchBody(body, (size) => completed(calls, status, began, size)),
        };
      completed(calls, status, began, body === undefined ? 0 : sizeOf(body));
      return response;
    },
  };
}

async function probe(
  channel: AppChannel,
  request: PlainRequest,
  options: Parameters<AppChannel["send"]>[1],
  metrics: AppMetrics,
): Promise<PlainResponse> {
  const began = metrics.clock.monotonic();
  let status = 500;
  try {
    const response = await channel.send(request, options);
    ({ status } = response);
    return response;
  } finally {
    const labels = [String(status)];
    metrics.family("http_healthprobes_completed_count").of(labels).put(1);
    metrics
      .family("http_healthprobes_roundtrip_latency")
      .of(labels)
      .put(metrics.clock.monotonic() - began);
  }
}

/** 0 for a stream, whose length nobody knows yet. */
function bodySize({ body }: PlainRequest): number {
  return body === undefined || body instanceof ReadableStream ? 0 : sizeOf(body);
}
