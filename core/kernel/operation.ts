import type { App } from "./app.ts";
import type { Call } from "./call.ts";
import type { Kind } from "#core/ports/manifest.ts";
import type { Span } from "#core/tracing/span.ts";

/** The unit both wires share: a name, what is known of it, and what happens. */
export interface Operation<In, Out> extends OperationFacts<In, Out> {
  /** Block and verb, for example `state.get`. */
  readonly name: `${string}.${string}`;
  run(call: Call, input: In): Promise<Out>;
}

/** What all that stands around an operation knows of it. Nothing else does: a new operation is described here or not at all. */
export interface OperationFacts<In, Out> {
  /**
   * The API it belongs to, as `spec.api.allowed` and `spec.api.denied` of a Configuration name it: `state`. `undefined`:
   * they cannot name it, nor keep it out over HTTP.
   */
  readonly api: string | undefined;
  /** Dapr's name of it, in the log of API calls where paths are not to be seen: `GetState`. */
  readonly endpoint: string;
  /** What that log says where it says more than the name. */
  obfuscated?(input: In): string;
  /** Says on a span what the call is about; `undefined`: the call is no part of anybody's work, and has no span. */
  readonly describe: DescribeSpan | undefined;
  /** What is counted of the component that it uses; `undefined`: nothing. */
  readonly metric: OperationMetric<In, Out> | undefined;
  /** How many things such an input is about; absent where it is always one. */
  entries?(input: In): number;
  /** What it is exempt from; absent: nothing. */
  readonly exempt?: Exemptions;
  /** The stream that it answers with comes out of its component, which a reload then keeps until the stream has ended. */
  readonly streamUsesComponent?: true;
}

export interface Exemptions {
  /** Needs no API token: probes have none. Over HTTP only. */
  readonly token?: true;
  /** Answers whatever the app has used up of its budget, so that it can be seen and stopped. */
  readonly budget?: true;
  /** Is also offered where anybody may call (`--dapr-public-port`). */
  readonly publicPort?: true;
}

/** What a call is about, as a span tells it. */
export interface DescribedCall {
  readonly wire: "http" | "grpc";
  /** `GET /v1.0/state/orders/1`, or the full name of the rpc. */
  readonly statement: string;
  /** The component that it names; empty where it names none. */
  readonly component: string;
  readonly topic?: string | undefined;
  /** Of an invocation whose request could be read. */
  readonly callee?: { readonly id: string; readonly method: string } | undefined;
}
export type DescribeSpan = (span: Span, call: DescribedCall) => void;

/** Metrics `<family>_count` and `<family>_latencies`: once an operation, however many calls of the component it takes. */
export interface OperationMetric<In, Out> {
  readonly family: string;
  /** The component that the input names. */
  component(input: In): string | undefined;
  /** Values of the metric's labels, in the catalogue's order. */
  labels(app: App, component: string, input: In, success: string): string[];
  /** Only for an app that has the component: a name from a caller would be a series each. Absent: always, as Dapr. */
  readonly kind?: Kind;
  /** Absent: what does not throw has succeeded. */
  isSuccess?(out: Out): boolean;
  /** Things that succeeded, counted in `<family>_event_count`; `out` is `undefined` after a failure. */
  events?(input: In, out: Out | undefined): number;
}

export type Invoke = (
  operation: Operation<never, unknown>,
  call: Call,
  input: unknown,
) => Promise<unknown>;
/** One skin of the onion, around every operation on every wire. */
export type Layer = (next: Invoke) => Invoke;

export function defineOperation<In, Out>(
  name: Operation<In, Out>["name"],
  facts: OperationFacts<NoInfer<In>, NoInfer<Out>>,
  run: Operation<In, Out>["run"],
): Operation<In, Out> {
  return { name, ...facts, run };
}

/** The same operation with another way to carry it out, such as one that answers what its wire needs. */
export function variantOf<In, Out>(
  operation: Operation<NoInfer<In>, unknown>,
  run: Operation<In, Out>["run"],
): Operation<In, Out> {
  return { ...operation, run };
}

/** Runs an operation inside the layers, its types kept. */
export type Run = <In, Out>(operation: Operation<In, Out>, call: Call, input: In) => Promise<Out>;

/** Folds the layers once, at construction; the first is the outermost. */
export function compose(layers: readonly Layer[]): Run {
  const core: Invoke = (operation, call, input) => operation.run(call, input as never);
  return layers.reduceRight((next, layer) => layer(next), core) as unknown as Run;
}
