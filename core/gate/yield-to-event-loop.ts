import type { Layer } from "#core/kernel/operation.ts";

/** Entries with which an operation takes so long that calls of other apps would notice: about half a millisecond. */
const many = 64;
/** Entries that are as much work as a call. */
const entriesPerCall = 64;

/**
 * Lets others have their turn before and after an operation on many entries: to read such a request, to carry it out
 * and to write its answer each take long enough, and nothing interrupts them. The app is charged for all of it.
 */
export function yieldToEventLoop(turn: () => Promise<void>): Layer {
  return (next) => {
    const inTurns = async (
      entries: number,
      ...[operation, call, input]: Parameters<typeof next>
    ): Promise<unknown> => {
      const { budget, loop } = call.app.policies;
      (budget ?? loop)?.charge(entries / entriesPerCall);
      await turn();
      const output = await next(operation, call, input);
      await turn();
      return output;
    };
    return (operation, call, input) => {
      const entries = operation.entries?.(input as never) ?? 1;
      return entries < many
        ? next(operation, call, input)
        : inTurns(entries, operation, call, input);
    };
  };
}
