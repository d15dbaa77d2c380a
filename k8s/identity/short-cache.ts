/** A value, and when its reading began: it shows what was true then, or later. Times are of a clock that never goes back. */
export interface Seen<T> {
  readonly at: number;
  readonly value: T;
}
/** Gives what was read under a key, or reads it. What was read before `notBefore` does not count. */
export type ShortCache = <T>(
  key: string,
  read: () => Promise<T>,
  notBefore?: number,
) => Promise<Seen<T>>;

/** One key of it. */
export type Reader<T> = (notBefore?: number) => Promise<Seen<T>>;

/** Keys that are remembered; the one read longest ago goes. */
const mostKeys = 2000;

/**
 * Remembers for `keptMs` what was read, and has those who ask for the same at the same time wait for one reading.
 * Failures are not remembered.
 */
export function shortCache(keptMs: number, now: () => number): ShortCache {
  const entries = new Map<string, { readonly at: number; readonly seen: Promise<Seen<unknown>> }>();
  return <T>(key: string, read: () => Promise<T>, notBefore = -Infinity): Promise<Seen<T>> => {
    const at = now();
    const found = entries.get(key);
    if (found && found.at >= notBefore && at - found.at < keptMs)
      return found.seen as Promise<Seen<T>>;
    const seen = read().then((value) => ({ at, value }));
    const entry = { at, seen };
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > mostKeys) entries.delete(entries.keys().next().value as string);
    seen.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
    return seen;
  };
}
