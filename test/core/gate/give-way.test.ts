import { afterEach, describe, expect, it } from "vitest";
import { yieldToEventLoop } from "#core/gate/yield-to-event-loop.ts";
import type { Call } from "#core/kernel/call.ts";
import { getConfiguration } from "#core/blocks/configuration/operations.ts";
import { compose } from "#core/kernel/operation.ts";
import { plainFacts, plainOperation } from "#test/support/plain-operation.ts";
import { bulkPublish } from "#core/blocks/pubsub/bulk.ts";
import { deleteBulkState } from "#core/blocks/state/delete-bulk.ts";
import { bulkGetState, saveState, transactState } from "#core/blocks/state/operations.ts";

/** Of an app with a budget, and of one without. */
const charged: number[] = [];
const budget = { charge: (calls: number) => void charged.push(calls) };
const call = {
  app: { policies: { budget, loop: { charge: () => void charged.push(-1) } } },
} as unknown as Call;
const unlimited = {
  app: { policies: { loop: { charge: (calls: number) => void charged.push(-calls) } } },
};
const list = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);

/** Of a list's length, and of anything else none. */
const many = plainOperation(
  "test.many",
  async (_call: Call, { list }: { readonly list: readonly number[] }) => list,
  { ...plainFacts, entries: (input) => input.list.length },
);

describe("an operation", () => {
  /** What happened in turn. */
  const said: string[] = [];
  const run = compose([
    yieldToEventLoop(async () => void said.push("turn")),
    (next) =>
      (...all) => {
        said.push("run");
        return next(...all);
      },
  ]);
  afterEach(() => {
    said.length = 0;
    charged.length = 0;
  });
  it("on many entries gives others a turn before it runs and before its answer", async () => {
    const input = { list: list(64) };
    expect(await run(many, call, input)).toBe(input.list);
    expect(said).toEqual(["turn", "run", "turn"]);
  });
  it("on few entries, or on one thing, runs at once", async () => {
    await run(many, call, { list: list(63) });
    await run(
      plainOperation("test.one", async (_call: Call, input: unknown) => input),
      call,
      { list: list(500) },
    );
    expect(said).toEqual(["run", "run"]);
    expect(charged).toEqual([]);
  });
  it("is charged to its app by the number of entries", async () => {
    await run(many, call, { list: list(500) });
    await run(many, unlimited as never, { list: list(64) });
    expect(charged).toEqual([500 / 64, -1]);
  });
  it("that fails fails as it did", async () => {
    const failing = plainOperation(
      "test.fail",
      (): Promise<never> => Promise.reject(new Error("no")),
      { ...plainFacts, entries: () => 100 },
    );
    await expect(run(failing, call, undefined)).rejects.toThrow("no");
  });
});

describe("the operations on lists say how long they are", () => {
  const nine = Array.from({ length: 9 }, () => ({}) as never);
  it.each([
    ["state.bulk_get", bulkGetState.entries?.({ store: "", keys: nine, metadata: {} })],
    ["state.set", saveState.entries?.({ store: "", items: nine })],
    ["state.transaction", transactState.entries?.({ store: "", operations: nine })],
    ["state.delete_bulk", deleteBulkState.entries?.({ store: "", items: nine })],
    [
      "pubsub.bulk_publish",
      bulkPublish.entries?.({ pubsub: "", topic: "", entries: nine, metadata: {} }),
    ],
    ["configuration.get", getConfiguration.entries?.({ store: "", keys: nine })],
  ])("%s", (_name, entries) => {
    expect(entries).toBe(9);
  });
});
