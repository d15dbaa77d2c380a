import type { RouteResponse } from "./response.ts";
import { type RequestOrigin, targetOf } from "./input.ts";
import { cleanPath, decodePath, splitTarget } from "#core/util/path.ts";
import { sizeOf } from "#core/util/bytes.ts";
import { headerOf } from "#core/util/header-list.ts";
import { watchBody } from "#core/util/watch-body.ts";
import { verbLabel } from "#core/telemetry/verb-label.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import { maxSeries } from "#core/telemetry/family.ts";
import type { Series } from "#core/telemetry/series.ts";
import { TupleCache } from "#core/telemetry/tuple-cache.ts";

type Serve = (request: Request, caller: RequestOrigin) => Response | Promise<Response>;

/** Serves a request and measures it, until the last byte of its answer. */
export function measureHttp(
  metrics: AppMetrics,
  request: Request,
  caller: RequestOrigin,
  serve: Serve,
): Response | Promise<Response> {
  const exchange = new HttpExchange(metrics, request, caller);
  caller.exchange = exchange;
  const response = serve(request, caller);
  if (!(response instanceof Promise)) return exchange.answered(response);
  return response.then(
    (answer) => exchange.answered(answer),
    (reason: unknown) => {
      exchange.end(500, 0);
      throw reason;
    },
  );
}

/** One request that is being measured. */
export class HttpExchange {
  readonly #metrics: AppMetrics;
  readonly #recorder: Recorder;
  readonly #path: string;
  readonly #method: string;
  readonly #began: number;
  /** Of the answer; `undefined` while nobody has said it. */
  #bytes: number | undefined;
  #streams = false;
  #ended = false;
  #status = 0;

  constructor(metrics: AppMetrics, request: Request, caller: RequestOrigin) {
    const target = caller.target ?? targetOf(request.url);
    this.#began = metrics.clock.monotonic();
    this.#metrics = metrics;
    this.#recorder = recorderOf(metrics);
    this.#path = metrics.pathLabel(decodePath(cleanPath(splitTarget(target).path)));
    this.#method = verbLabel(request.method, metrics);
    const bytes = contentLength(request, caller);
    metrics.cost.api.begin(bytes);
    this.#recorder.requestBytes.put(bytes);
  }
  /** What a route answers, its size noted; a stream is followed to its end. */
  note(answer: RouteResponse): RouteResponse {
    const { body } = answer;
    if (!(body instanceof ReadableStream)) {
      this.#bytes = body === undefined ? 0 : sizeOf(body);
      return answer;
    }
    this.#streams = true;
    this.#status = answer.status;
    return { ...answer, body: watchBody(body, (bytes) => this.end(this.#status, bytes)) };
  }
  answered(response: Response): Response {
    this.#status = response.status;
    if (!this.#streams) this.end(this.#status, this.#bytes ?? lengthIn(response));
    return response;
  }
  end(status: number, bytes: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const recorder = this.#recorder;
    this.#metrics.cost.api.end(bytes);
    recorder.responseBytes.put(bytes);
    const ms = this.#metrics.clock.monotonic() - this.#began;
    recorder.completed(this.#method, this.#path, String(status), ms);
  }
}

interface Completed {
  readonly count: Series;
  readonly latency: Series;
  readonly responses: Series | undefined;
}
/** Series that every request needs, found once. */
interface Recorder {
  readonly requestBytes: Series;
  readonly responseBytes: Series;
  completed(method: string, path: string, status: string, ms: number): void;
}
const recorders = new WeakMap<AppMetrics, Recorder>();
function recorderOf(metrics: AppMetrics): Recorder {
  let recorder = recorders.get(metrics);
  if (!recorder) recorders.set(metrics, (recorder = createRecorder(metrics)));
  return recorder;
}

function createRecorder(metrics: AppMetrics): Recorder {
  const found = new TupleCache<Completed>(2 * maxSeries);
  const make = (labels: readonly string[]): Completed => ({
    count: metrics.family("http_server_request_count").of(labels),
    latency: metrics.family("http_server_latency").of(labels),
    // Dapr: only in the form with all labels.
    responses: metrics.settings.http.increasedCardinality
      ? metrics.family("http_server_response_count").of(labels)
      : undefined,
  });
  return {
    requestBytes: metrics.family("http_server_request_bytes").of([]),
    responseBytes: metrics.family("http_server_response_bytes").of([]),
    completed: (method, path, status, ms) => {
      const labels = [method, path, status];
      const { count, latency, responses } = found.get(labels) ?? found.put(labels, make(labels));
      count.put(1);
      latency.put(ms);
      responses?.put(1);
    },
  };
}

/** Read from the wire's own headers, where the platform has them: no `Headers` object is built for it. */
function contentLength(request: Request, { rawHeaders }: RequestOrigin): number {
  return numberOf(
    rawHeaders ? headerOf(rawHeaders, "content-length") : request.headers.get("content-length"),
  );
}
function lengthIn(response: Response): number {
  return numberOf(response.headers.get("content-length"));
}
function numberOf(text: string | null | undefined): number {
  const value = Number(text ?? 0);
  return value > 0 && Number.isSafeInteger(value) ? value : 0;
}
