import { describe, expect, it } from "vitest";
import { giveWay } from "#core/budget/give-way.ts";
import type { Call } from "#core/call.ts";
import { compose, defineOperation } from "#core/operation.ts";

const call = {} as Call;
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
  it("that fails fails as it did", async () => {
    const failing = defineOperation("test.fail", () => Promise.reject(new Error("no")));
    const run = compose([giveWay(async () => {})]);
    await expect(run(failing, call, { keys: list(100) })).rejects.toThrow("no");
  });
});
