import { describe, expect, it } from "vitest";
import { ActorLeavingError, StackDepthError, TurnQueue } from "#core/blocks/actors/turn-queue.ts";

const never = new AbortController().signal;
const tick = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Work that ends when it is told to, and says when it began. */
function work(name: string, log: string[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    end: resolve,
    run: async () => {
      log.push(`${name} begins`);
      await promise;
      log.push(`${name} ends`);
      return name;
    },
  };
}

describe("turns of an actor", () => {
  it("run one at a time, in the order in which they came", async () => {
    const queue = new TurnQueue();
    const log: string[] = [];
    const works = ["a", "b", "c"].map((name) => work(name, log));
    const all = works.map(({ run }) => queue.run(run, never));
    await tick();
    expect(log).toEqual(["a begins"]);
    expect(queue.waiting).toBe(2);
    for (const { end } of works) end();
    expect(await Promise.all(all)).toEqual(["a", "b", "c"]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(queue.isIdle).toBe(true);
  });
  it("go on after one that fails", async () => {
    const queue = new TurnQueue();
    const failing = queue.run(() => Promise.reject(new Error("no")), never);
    const next = queue.run(async () => "next", never);
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("next");
  });
  it("leave the queue with a caller that gives up", async () => {
    const queue = new TurnQueue();
    const log: string[] = [];
    const [first, third] = [work("first", log), work("third", log)];
    const one = queue.run(first.run, never);
    const giving = new AbortController();
    const two = queue.run(async () => log.push("second begins"), giving.signal);
    const three = queue.run(third.run, never);
    giving.abort(new Error("gone"));
    await expect(two).rejects.toThrow("gone");
    first.end();
    third.end();
    await Promise.all([one, three]);
    expect(log).not.toContain("second begins");
  });
  it("refuse a caller that has given up already", async () => {
    const queue = new TurnQueue();
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(queue.run(async () => 1, signal)).rejects.toThrow("gone");
    expect(queue.isIdle).toBe(true);
  });
  it("let calls of their own chain in, and count them", async () => {
    const queue = new TurnQueue();
    const outer = queue.run(
      async () => {
        const inner = await queue.run(async () => "inner", never, "chain", 2);
        const deeper = queue.run(
          () => queue.run(async () => "too deep", never, "chain", 2),
          never,
          "chain",
          2,
        );
        await expect(deeper).rejects.toThrow(StackDepthError);
        return inner;
      },
      never,
      "chain",
      2,
    );
    expect(await outer).toBe("inner");
    expect(queue.isIdle).toBe(true);
  });
  it("run calls of a chain that waits together", async () => {
    const queue = new TurnQueue();
    const log: string[] = [];
    const first = work("first", log);
    const one = queue.run(first.run, never);
    const two = queue.run(async () => log.push("two"), never, "chain");
    const three = queue.run(async () => log.push("three"), never, "chain");
    const four = queue.run(async () => log.push("four"), never, "other");
    first.end();
    await Promise.all([one, two, three, four]);
    expect(log).toEqual(["first begins", "first ends", "two", "three", "four"]);
  });
  it("end with the last call inside, not with the first", async () => {
    const queue = new TurnQueue();
    const log: string[] = [];
    const [outer, inner] = [work("outer", log), work("inner", log)];
    const one = queue.run(outer.run, never, "chain");
    await tick();
    const two = queue.run(inner.run, never, "chain");
    const next = queue.run(async () => log.push("next"), never);
    outer.end();
    await one;
    await tick();
    expect(log).not.toContain("next");
    inner.end();
    await Promise.all([two, next]);
    expect(log.at(-1)).toBe("next");
  });
  it("are sent away when the actor leaves, but for the one that runs", async () => {
    const queue = new TurnQueue();
    const log: string[] = [];
    const first = work("first", log);
    const one = queue.run(first.run, never, "chain");
    const two = queue.run(async () => log.push("two"), never);
    const closed = queue.close().then(() => log.push("closed"));
    await expect(two).rejects.toThrow(ActorLeavingError);
    await expect(queue.run(async () => 1, never)).rejects.toThrow(ActorLeavingError);
    expect(await queue.run(async () => "inside", never, "chain")).toBe("inside");
    expect(log).toEqual(["first begins"]);
    first.end();
    await Promise.all([one, closed]);
    expect(log).toEqual(["first begins", "first ends", "closed"]);
  });
});
