import { expect } from "vitest";
import { createDueTimes } from "#components/in-memory/due-times.ts";
import type { DueEntry, DueKey, DueSelection, DueTimes } from "#core/ports/due-times.ts";

const options = { signal: new AbortController().signal };

/**
 * `list` and `deleteAll` select what the in-memory driver selects, where each text is an owner and a name of each owner,
 * in queue "q".
 */
export async function selectsAsModel(
  real: DueTimes,
  {
    texts,
    selections,
    limits,
  }: {
    readonly texts: readonly string[];
    readonly selections: readonly DueSelection[];
    readonly limits: readonly number[];
  },
): Promise<void> {
  const model = createDueTimes();
  const entries = texts.flatMap((owner) =>
    texts.map((name): DueEntry => ({ queue: "q", owner, name, dueAt: 1, data: name })),
  );
  const fill = (): Promise<unknown> =>
    Promise.all(
      entries.flatMap((entry) => [real, model].map((times) => times.put(entry, true, options))),
    );
  const all = async (selection: DueSelection, limit: number, times = real) => {
    const found: DueEntry[] = [];
    for (let after: DueKey | undefined; ;) {
      const page = await times.list(selection, { ...options, limit, after });
      found.push(...page);
      after = page.at(-1);
      if (page.length < limit) return found;
    }
  };
  await fill();
  for (const selection of selections) {
    const expected = await all(selection, 1000, model);
    for (const limit of limits) expect(await all(selection, limit)).toEqual(expected);
  }
  for (const selection of selections) {
    await fill();
    for (const times of [real, model]) await times.deleteAll(selection, options);
    expect(await all({ queue: "q" }, 1000)).toEqual(await all({ queue: "q" }, 1000, model));
  }
}
