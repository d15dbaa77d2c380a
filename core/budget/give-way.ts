import type { Layer } from "#core/operation.ts";

/** Entries with which an operation takes so long that calls of other apps would notice: about half a millisecond. */
const many = 64;
const lists = ["items", "keys", "operations", "entries"];

/**
 * Lets others have their turn before and after an operation on many entries: to read such a request, to carry it out
 * and to write its answer each take long enough, and nothing interrupts them.
 */
export function giveWay(turn: () => Promise<void>): Layer {
  return (next) => {
    const inTurns: typeof next = async (operation, call, input) => {
      await turn();
      const output = await next(operation, call, input);
      await turn();
      return output;
    };
    return (operation, call, input) =>
      isLarge(input) ? inTurns(operation, call, input) : next(operation, call, input);
  };
}

function isLarge(input: unknown): boolean {
  if (typeof input !== "object" || input === null) return false;
  for (const name of lists) {
    const list = (input as Readonly<Record<string, unknown>>)[name];
    if (Array.isArray(list) && list.length >= many) return true;
  }
  return false;
}
