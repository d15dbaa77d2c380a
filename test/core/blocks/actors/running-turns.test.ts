import { expect, test } from "vitest";
import type { ActiveActor } from "#core/blocks/actors/active-actors.ts";
import { createRunningTurns } from "#core/blocks/actors/running-turns.ts";
import { TurnQueue } from "#core/blocks/actors/turn-queue.ts";

const options = { signal: new AbortController().signal };

test("calls are counted while they wait for their turn", async () => {
  const counts: number[] = [];
  const waiting = (count: number): void => void counts.push(count);
  const turns = createRunningTurns({ maxStackDepth: undefined, begin: () => {}, waiting });
  const actor = { type: "t", id: "1", queue: new TurnQueue() } as unknown as ActiveActor;
  const turn = Promise.withResolvers<void>();
  const first = turns.run(actor, () => turn.promise, options, undefined);
  expect(counts).toEqual([]);
  const caller = new AbortController();
  const second = turns.run(actor, async () => {}, options, undefined);
  const third = turns.run(actor, async () => {}, caller, undefined);
  expect(counts).toEqual([1, 2]);
  caller.abort(new Error("gone"));
  await expect(third).rejects.toThrow("gone");
  expect(counts).toEqual([1, 2, 1]);
  turn.resolve();
  await Promise.all([first, second]);
  expect(counts).toEqual([1, 2, 1, 0]);
});
