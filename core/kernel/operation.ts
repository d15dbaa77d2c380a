import type { App } from "./app.ts";
import type { Call } from "./call.ts";
import type { Kind } from "#core/ports/manifest.ts";
import type { Span } from "#core/tracing/span.ts";

/** An operation of the API, which both protocols share: its name, its facts and its code. */
export interface Operation<In, Out> extends OperationFacts<In, Out> {
  /** Block and verb, for example `state.get`. */
  readonly name: `${string}.${string}`;
  /**
   * Performs the operation.
   *
   * @throws {ApiError} for failures that the caller is told about.
   */
  run(call: Call, input: In): Promise<Out>;
}

/**
 * Everything that surrounding code (API lists, spans, metrics, logs, budgets) knows about an
 * operation. No other code knows operations by name.
 */
export interface OperationFacts<In, Out> {
  /**
   * Name of its API in `spec.api.allowed` and `spec.api.denied` of a Configuration, for example
   * `state`. `undefined` if these lists cannot name the operation, so that they do not deny it over
   * HTTP either.
   */
  readonly api: string | undefined;
  /**
   * Dapr's name for the operation in the API log if URLs are obfuscated, for example `GetState`.
   */
  readonly endpoint: string;
  /** Returns the text for that log. Absent if the text is just the name. */
  obfuscated?(input: In): string;
  /** Sets the attributes of the call's span. `undefined` if such calls have no span. */
  readonly describe: DescribeSpan | undefined;
  /** The metric of the component that it uses; `undefined` if it has none. */
  readonly metric: OperationMetric<In, Out> | undefined;
  /** Returns the number of entries in an input. Absent if it is always one. */
  entries?(input: In): number;
  /** The checks that do not apply to it; `undefined` if all apply. */
  readonly exempt?: Exemptions;
  /**
   * True if it responds with a stream from its component. A reload then keeps the component until
   * the stream has ended.
   */
  readonly streamUsesComponent?: true;
}

/** Checks that do not apply to an operation. */
export interface Exemptions {
  /** True if it needs no API token, because health probes have none. Only over HTTP. */
  readonly token?: true;
  /**
   * True if it works even if the app is over its budget, so the app can be inspected and stopped.
   */
  readonly budget?: true;
  /** True if it is also available on the public port (`--dapr-public-port`). */
  readonly publicPort?: true;
}

/** The facts about a call that become attributes of its span. */
export interface DescribedCall {
  readonly wire: "http" | "grpc";
  /** Method and path (`GET /v1.0/state/orders/1`), or the full name of the rpc. */
  readonly statement: string;
  /** Name of the component; empty if the call names none. */
  readonly component: string;
  /** The topic that the request names; `undefined` over HTTP, as in Dapr. */
  readonly topic?: string | undefined;
  /** The input of the operation; `undefined` if the request could not be read. */
  readonly asked?: unknown;
  /** The callee of an invocation; `undefined` if the request could not be read. */
  readonly callee?: { readonly id: string; readonly method: string } | undefined;
}
/** Sets the attributes of a call's span. */
export type DescribeSpan = (span: Span, call: DescribedCall) => void;

/**
 * The metrics `<family>_count` and `<family>_latencies`. An operation counts once, regardless of
 * how many calls to the component it makes.
 */
export interface OperationMetric<In, Out> {
  readonly family: string;
  /** Returns the component that the input names; `undefined` if it names none. */
  component(input: In): string | undefined;
  /** Returns the values of the metric's labels, in the order of the catalogue. */
  labels(app: App, component: string, input: In, success: string): string[];
  /**
   * If set, the operation counts only for an app that has a component of this kind, because callers
   * could otherwise create a series with each name. If `undefined`, it always counts, as in Dapr.
   */
  readonly kind?: Kind;
  /** Returns whether a result means success. If absent, every result does. */
  isSuccess?(out: Out): boolean;
  /**
   * Returns the number of entries that succeeded, for `<family>_event_count`. `out` is `undefined`
   * after a failure.
   */
  events?(input: In, out: Out | undefined): number;
}

/** Runs an operation, without its types. */
export type Invoke = (
  operation: Operation<never, unknown>,
  call: Call,
  input: unknown,
) => Promise<unknown>;
/** Wraps every operation, on every protocol. */
export type Layer = (next: Invoke) => Invoke;

/** Defines an operation: a name such as `state.get`, its facts and its code. */
export function defineOperation<In, Out>(
  name: Operation<In, Out>["name"],
  facts: OperationFacts<NoInfer<In>, NoInfer<Out>>,
  run: Operation<In, Out>["run"],
): Operation<In, Out> {
  return { name, ...facts, run };
}

/**
 * Returns the same operation with other code, for example to return the result in the form that a
 * protocol needs.
 */
export function variantOf<In, Out>(
  operation: Operation<NoInfer<In>, unknown>,
  run: Operation<In, Out>["run"],
): Operation<In, Out> {
  return { ...operation, run };
}

/** Runs an operation inside the layers, with its types. */
export type Run = <In, Out>(operation: Operation<In, Out>, call: Call, input: In) => Promise<Out>;

/** Combines the layers once, when the runtime is created. The first layer is the outermost. */
export function compose(layers: readonly Layer[]): Run {
  const core: Invoke = (operation, call, input) => operation.run(call, input as never);
  return layers.reduceRight((next, layer) => layer(next), core) as unknown as Run;
}
