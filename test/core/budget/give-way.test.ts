import { describe, expect, it } from "vitest";
import { giveWay } from "#core/budget/give-way.ts";
import type { Call } from "#core/call.ts";
import { compose, defineOperation } from "#core/operation.ts";

/** Of an app with a budget, and of one without. */
const charged: number[] = [];
const budget = { charge: (calls: number) => void charged.push(calls) };
const call = { app: { budget, loop: { charge: () => void charged.push(-1) } } } as unknown as Call;
const unlimited = { app: { loop: { charge: (calls: number) => void charged.push(-calls) } } };
const list = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);

/** What happened in turn. */
function setUp() {
  const said: string[] = [];
  const turn = async (): Promise<void> => void said.push("turn");
  const operation = defineOperation("test.run", async (_call: Call, input: unknown) => {
    said.push("run");
    return input;
  });
  const run = compose([giveWay(turn)]);
  return { said, run: (input: unknown) => run(operation, call, input) };
}

describe("an operation", () => {
  it.each(["items", "keys", "operations", "entries"])(
    "on many %s gives others a turn before it runs and before its answer",
    async (name) => {
      const { said, run } = setUp();
      const input = { store: "s", [name]: list(64) };
      expect(await run(input)).toBe(input);
      expect(said).toEqual(["turn", "run", "turn"]);
    },
  );
  it.each([
    [undefined],
    [null],
    ["text"],
    [{ key: "k" }],
    [{ keys: list(63) }],
    [{ items: "x".repeat(99) }],
  ])("on little runs at once: %j", async (input) => {
    const { said, run } = setUp();
    expect(await run(input)).toBe(input);
    expect(said).toEqual(["run"]);
  });
  it("is charged to its app by the number of entries", async () => {
    charged.length = 0;
    const { run } = setUp();
    await run({ keys: list(500) });
    await run({ key: "k" });
    expect(charged).toEqual([500 / 64]);
    const operation = defineOperation("test.run", async () => 1);
    await compose([giveWay(async () => {})])(operation, unlimited as never, { items: list(64) });
    expect(charged.at(-1)).toBe(-1);
  });
  it("that fails fails as it did", async () => {
    const failing = defineOperation("test.fail", () => Promise.reject(new Error("no")));
    const run = compose([giveWay(async () => {})]);
    await expect(run(failing, call, { keys: list(100) })).rejects.toThrow("no");
  });
});
