/** Rows that one look takes in, and calls from one look to the next: a table shrinks faster than it can grow. */
const rowsPerLook = 256;
const callsPerLook = 64;

export interface SweptTable<Key> {
  /** Before all keys. */
  readonly first: Key;
  /** The rows behind that key, in the order of keys. */
  page(
    after: Key,
    limit: number,
    now: number,
  ): ReadonlyArray<{ readonly key: Key; readonly isOld: boolean }>;
  remove(key: Key): void;
}

/**
 * Removes rows of a table in passing: every so many calls it looks at the next few in the order of their keys, and starts
 * over behind the last. All are seen in time, without an index by age and without a call that waits for many.
 */
export function createSweep<Key>({ first, page, remove }: SweptTable<Key>): (now: number) => void {
  let calls = 0;
  let after = first;
  return (now) => {
    if (++calls % callsPerLook !== 0) return;
    const rows = page(after, rowsPerLook, now);
    for (const { key, isOld } of rows) if (isOld) remove(key);
    after = rows.length < rowsPerLook ? first : (rows.at(-1)?.key ?? first);
  };
}
