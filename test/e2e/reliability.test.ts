import { describe, it } from "vitest";
import { preparePlace } from "../../bench/reliability/place.ts";
import { runReminders } from "../../bench/reliability/reminders.ts";
import { runTurns } from "../../bench/reliability/turns.ts";

/** The long runs are `npm run reliability`; see docs/reliability.md. */
describe.concurrent("the short run of the reliability tests", () => {
  const life = (after: AsyncDisposableStack) => ({ after, signal: new AbortController().signal });
  it("runs one turn of an actor at a time and loses no write, over a rebalance and a kill", async ({
    expect,
  }) => {
    await using after = new AsyncDisposableStack();
    const place = await preparePlace("sqlite", life(after));
    const options = { turns: 300, rebalances: 1, kills: 1, pauses: 0, actors: 50, callers: 8 };
    const { faults, calls } = await runTurns({ place, ...options, pods: 3, seed: 1 }, life(after));
    expect(faults).toEqual([]);
    expect(calls).toBeGreaterThanOrEqual(300);
  });
  it("fires reminders at least once and never early, over a kill", async ({ expect }) => {
    await using after = new AsyncDisposableStack();
    const place = await preparePlace("sqlite", life(after));
    const options = { reminders: 42, fires: 1, seconds: 4, namespaces: 2, leadMs: 2000 };
    const { faults, fired } = await runReminders(
      { place, ...options, pods: 2, kills: 1, rebalances: 0, seed: 1 },
      life(after),
    );
    expect(faults).toEqual([]);
    expect(fired).toBe(42);
  });
});
