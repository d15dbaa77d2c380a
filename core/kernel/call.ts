import type { App } from "./app.ts";
import type { CallOptions, Metadata } from "#core/ports/component.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";

/** One API call, the same from HTTP and gRPC. The first argument of every operation, and the `options` of every port call it makes. */
export interface Call extends CallOptions {
  /** Who is calling. Resolved at the target's edge, from the connection. */
  readonly app: App;
  /** `metadata.*` of the request. */
  readonly metadata: Metadata;
  /** This call's span; `undefined` when tracing is off for the app. */
  readonly trace: TraceContext | undefined;
}
