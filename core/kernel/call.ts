import type { App } from "./app.ts";
import type { CallOptions, Metadata } from "#core/ports/component.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";

/**
 * One API call, the same over HTTP and gRPC. It is the first argument of every operation, and the
 * `options` of every port call that the operation makes.
 */
export interface Call extends CallOptions {
  /** The calling app, which the target has determined from the connection. */
  readonly app: App;
  /** The `metadata.*` parameters of the request. */
  readonly metadata: Metadata;
  /** The trace context of this call; `undefined` if tracing is off for the app. */
  readonly trace: TraceContext | undefined;
}
