/** What is known of the counters from outside: which values were acknowledged, and which writes may have happened. */
export interface Ledger {
  /** The app has had its write acknowledged by the runtime. */
  committed(id: string): void;
  /** The app does not know what became of a write. */
  unknown(id: string): void;
  /** A caller got this value as the answer of a call. */
  acknowledged(id: string, value: number): void;
  /** Compares that with the value that a counter has in the end; returns what is wrong, if anything. */
  fault(id: string, final: number): string | undefined;
}

interface Counter {
  committed: number;
  unknown: number;
  readonly values: Set<number>;
  repeated: number;
  highest: number;
}

export function createLedger(): Ledger {
  const counters = new Map<string, Counter>();
  const of = (id: string): Counter => {
    let found = counters.get(id);
    if (!found)
      counters.set(
        id,
        (found = { committed: 0, unknown: 0, values: new Set(), repeated: 0, highest: 0 }),
      );
    return found;
  };
  return {
    committed: (id) => void of(id).committed++,
    unknown: (id) => void of(id).unknown++,
    acknowledged: (id, value) => {
      const counter = of(id);
      // Two increments that give the same value: one of them is lost.
      if (counter.values.has(value)) counter.repeated++;
      counter.values.add(value);
      counter.highest = Math.max(counter.highest, value);
    },
    fault: (id, final) => {
      const { committed, unknown, values, repeated, highest } = of(id);
      if (repeated > 0) return `${id}: ${repeated} acknowledged increments are lost`;
      if (highest > final || values.size > final)
        return `${id}: the counter is ${final} after ${values.size} acknowledged increments up to ${highest}`;
      if (committed > final)
        return `${id}: the counter is ${final} after ${committed} acknowledged writes`;
      if (final > committed + unknown)
        return `${id}: the counter is ${final} after ${committed} acknowledged and ${unknown} uncertain writes`;
      return undefined;
    },
  };
}
