import type { Call } from "./call.ts";

/** The unit both wires share: a name, and what happens. */
export interface Operation<In, Out> {
  /** Block and verb, for example `state.get`. */
  readonly name: `${string}.${string}`;
  run(call: Call, input: In): Promise<Out>;
  /** How many things such an input is about; absent where it is always one. */
  entries?(input: In): number;
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
  run: Operation<In, Out>["run"],
  entries?: (input: In) => number,
): Operation<In, Out> {
  return entries ? { name, run, entries } : { name, run };
}

/** Runs an operation inside the layers, its types kept. */
export type Run = <In, Out>(operation: Operation<In, Out>, call: Call, input: In) => Promise<Out>;

/** Folds the layers once, at construction; the first is the outermost. */
export function compose(layers: readonly Layer[]): Run {
  const core: Invoke = (operation, call, input) => operation.run(call, input as never);
  return layers.reduceRight((next, layer) => layer(next), core) as unknown as Run;
}
