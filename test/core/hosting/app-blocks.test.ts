import { describe, expect, it } from "vitest";
import { createAppBlocks } from "#core/hosting/app-blocks.ts";

function blocks() {
  const seen: string[] = [];
  const slow = Promise.withResolvers<void>();
  const made = createAppBlocks([
    {
      start: async () => void seen.push("start"),
      follow: async () => void seen.push("follow"),
      stop: async () => {
        seen.push("stopping");
        await slow.promise;
        seen.push("stopped");
      },
    },
  ]);
  return { seen, slow, made };
}

describe("the blocks of an app", () => {
  it("run while the app is ready and they are allowed to", async () => {
    const { seen, slow, made } = blocks();
    slow.resolve();
    await made.setReady(true);
    await made.setAllowed(true);
    expect(seen).toEqual(["start"]);
    await made.setAllowed(false);
    await made.setReady(false);
    await made.setReady(true);
    expect(seen).toEqual(["start", "stopping", "stopped"]);
    await made.setAllowed(true);
    await made.follow();
    expect(seen.slice(3)).toEqual(["start", "follow"]);
  });
  it("are started again only once they have stopped", async () => {
    const { seen, slow, made } = blocks();
    await made.setReady(true);
    const ending = made.setReady(false);
    // At once: whoever ends an app tells its blocks before anything else.
    expect(seen).toEqual(["start", "stopping"]);
    const back = made.setReady(true);
    await new Promise((done) => setImmediate(done));
    expect(seen).toEqual(["start", "stopping"]);
    slow.resolve();
    await Promise.all([ending, back]);
    expect(seen).toEqual(["start", "stopping", "stopped", "start"]);
  });
  it("are stopped where they were never started, too", async () => {
    const { seen, slow, made } = blocks();
    slow.resolve();
    await made.setReady(false);
    expect(seen).toEqual(["stopping", "stopped"]);
  });
});
