import type { Random } from "./random.ts";

/** One reminder of a run, and when it is due: `dueAt`, and then every period. Milliseconds since 1970. */
export interface PlannedReminder {
  readonly namespace: string;
  readonly id: string;
  readonly name: string;
  readonly dueAt: number;
  readonly periodMs: number;
  readonly fires: number;
}

/** Each is a prefix of the next. */
export const allNamespaces: readonly string[] = ["shop", "shop-eu", "shop-eu-1"];
const names = ["plain", "a||b", "x@y", "🦀 reminder", "||", "ends with ||", "ünïcode %41"];

/**
 * The same ids and names in every namespace, with separators that a careless key would confuse: `a||b` of `c` and `b` of
 * `c||a`. Their times are spread over the period, so that some are always due.
 */
export function planReminders(
  options: {
    readonly namespaces: readonly string[];
    readonly reminders: number;
    readonly fires: number;
    readonly from: number;
    readonly periodMs: number;
  },
  random: Random,
): readonly PlannedReminder[] {
  const { namespaces, reminders, fires, from, periodMs } = options;
  const each = names.length * namespaces.length;
  return Array.from({ length: reminders }, (_, i) => {
    const owner = Math.floor(i / each);
    return {
      namespace: namespaces[i % namespaces.length] as string,
      id: owner % 3 === 0 ? `actor||${owner}` : `actor-${owner}`,
      name: names[Math.floor(i / namespaces.length) % names.length] as string,
      dueAt: from + random.below(periodMs),
      periodMs,
      fires,
    };
  });
}
