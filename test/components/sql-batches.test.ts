import { describe, expect, test } from "vitest";
import { type Batches, createBatches } from "#components/_shared/sql/batches.ts";
import { ComponentError } from "#core/errors/component-error.ts";

const options = { signal: new AbortController().signal };
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Batches of texts, which end when the test says so: a text is answered with its length. */
function start(fails: (batch: readonly string[]) => Error | undefined = () => undefined) {
  const ran: Array<readonly string[]> = [];
  const ends: Array<() => void> = [];
  const batches: Batches<string, number> = createBatches<string, number>({
    most: 4,
    mostBytes: 100,
    atOnce: 1,
    keyOf: (text) => text.slice(0, 2),
    bytesOf: (text) => text.length,
    run: async (texts) => {
      ran.push(texts);
      await new Promise<void>((resolve) => ends.push(resolve));
      const failure = fails(texts);
      if (failure) throw failure;
      return texts.map(({ length }) => length);
    },
  });
  const end = async (): Promise<void> => {
    for (await tick(); ends.length > 0; await tick()) for (const each of ends.splice(0)) each();
  };
  const submit = (...texts: readonly string[]) =>
    Promise.allSettled(texts.map((text) => batches.submit(text, options)));
  return { batches, ran, end, submit };
}

describe("batches", () => {
  test("the first runs at once, and what comes meanwhile shares the next", async () => {
    const { ran, end, submit } = start();
    const results = submit("a", "bb", "ccc", "d", "e", "f");
    expect(ran).toEqual([["a"]]);
    await end();
    expect(ran).toEqual([["a"], ["bb", "ccc", "d", "e"], ["f"]]);
    const lengths = (await results).map((each) => each.status === "fulfilled" && each.value);
    expect(lengths).toEqual([1, 2, 3, 1, 1, 1]);
  });
  test("two of one key are not in one batch, and keep their order", async () => {
    const { ran, end, submit } = start();
    void submit("x", "k1-a", "k1-b", "k1-c", "y");
    await end();
    expect(ran).toEqual([["x"], ["k1-a", "y"], ["k1-b"], ["k1-c"]]);
  });
  test("a batch has so many bytes, or one item", async () => {
    const { ran, end, submit } = start();
    const [large, huge] = ["l".repeat(60), "h".repeat(600)];
    void submit("x", large, "m".repeat(60), huge, "y");
    await end();
    expect(ran).toEqual([["x"], [large, "y"], ["m".repeat(60)], [huge]]);
  });
  test("an item that is refused does not take the others with it", async () => {
    const { end, submit } = start((batch) =>
      batch.includes("bad") ? new ComponentError("rejected", "no") : undefined,
    );
    const results = submit("x", "a", "bad", "c");
    await end();
    expect((await results).map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
  });
  test("a failure of the server is that of all, and is not tried again", async () => {
    const { ran, end, submit } = start((batch) =>
      batch.includes("b") ? new ComponentError("unavailable", "gone") : undefined,
    );
    const results = submit("a", "b", "c");
    await end();
    expect((await results).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect(ran).toHaveLength(2);
  });
  test("an item whose caller has left before its turn is not run", async () => {
    const { batches, ran, end, submit } = start();
    void submit("a");
    const gone = new AbortController();
    const leaving = batches.submit("b", gone);
    gone.abort(new Error("gone"));
    await expect(leaving).rejects.toThrow("gone");
    void submit("c");
    const drained = batches.drained();
    await end();
    await drained;
    expect(ran).toEqual([["a"], ["c"]]);
  });
});
