import type { App } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { type Metadata, noMetadata } from "#core/ports/component.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import type { SpanKind } from "#core/tracing/span.ts";
import { startTrace, type TracedApp } from "#core/tracing/start-trace.ts";
import { headerValue } from "#core/util/header-value.ts";
import type { Operation } from "#core/kernel/operation.ts";
import { describeRpc } from "./grpc-span.ts";
import { parseTraceBin, traceBin } from "./trace-bin.ts";

/** One call as the transport sees it. Everything is asked for only when somebody reads it. */
export interface GrpcRequestOrigin {
  /** Who is calling: the target's finding, never the request's claim. */
  readonly app: App;
  /** Fires when the caller cancels, its deadline passes or its connection ends. */
  readonly signal: AbortSignal;
  /** The API token has been checked: it is how the app was found. */
  readonly isAuthenticated?: boolean;
  /** Address of the peer, without a port; absent where the transport does not tell it. */
  readonly remoteAddress?: string | undefined;
  /** First value of incoming metadata; keys are lower case, `-bin` values base64 text. */
  header(name: string): string | undefined;
  /** All incoming metadata, names and values in turn. */
  headers(): readonly string[];
  /** Adds to the initial response metadata, before the first message goes out. Each character of the value is a byte. */
  setHeader(name: string, value: string): void;
}

/** One gRPC call to the API, and the call that it makes. */
export class GrpcInput implements Call {
  readonly app: App;
  readonly metadata: Metadata;
  readonly trace: TraceContext | undefined;
  readonly #caller: GrpcRequestOrigin;

  constructor(caller: GrpcRequestOrigin, metadata: Metadata, trace: TraceContext | undefined) {
    this.#caller = caller;
    this.app = caller.app;
    this.metadata = metadata;
    this.trace = trace;
  }
  get signal(): AbortSignal {
    return this.#caller.signal;
  }
  header(name: string): string | undefined {
    return this.#caller.header(name);
  }
  headers(): readonly string[] {
    return this.#caller.headers();
  }
  setHeader(name: string, value: string): void {
    this.#caller.setHeader(name, value);
  }
  /** What a component says beside its answer or failure, as initial metadata `metadata.<name>`. */
  setMetadata(metadata: Metadata): void {
    for (const [name, value] of Object.entries(metadata))
      this.setHeader(`metadata.${name}`.toLowerCase(), headerValue(value));
  }
}

/** The input of a call, its trace begun; `request`: absent for a stream of them. */
export function inputOf(
  path: string,
  operation: Operation<never, unknown>,
  caller: GrpcRequestOrigin,
  request?: object,
): GrpcInput {
  const trace = traceOf(caller.app.policies, caller, path, "client");
  const input = new GrpcInput(caller, metadataOf(request ?? {}), trace);
  if (trace) {
    input.setHeader("grpc-trace-bin", traceBin(trace.traceparent));
    if (trace.span) describeRpc(trace.span, path, operation, input, request);
  }
  return input;
}

/** The trace of a call; `undefined` where tracing is off. OpenCensus' binary header wins over W3C's text, as in Dapr. */
export function traceOf(
  app: TracedApp,
  caller: Pick<GrpcRequestOrigin, "header">,
  name: string,
  kind: SpanKind,
): TraceContext | undefined {
  if (app.samplingRate === 0) return undefined;
  const binary = caller.header("grpc-trace-bin");
  const fromBinary = binary === undefined ? undefined : parseTraceBin(binary);
  return startTrace(
    app,
    fromBinary ?? caller.header("traceparent"),
    fromBinary === undefined ? caller.header("tracestate") : undefined,
    name,
    kind,
  );
}

/** The `metadata` map that most requests carry. */
function metadataOf(request: object): Metadata {
  const metadata = (request as { readonly metadata?: unknown }).metadata;
  if (metadata === undefined || typeof metadata !== "object" || metadata === null)
    return noMetadata;
  for (const _ in metadata) return metadata as Metadata;
  return noMetadata;
}
