import { describe, expect, it } from "vitest";
import { runTarget } from "./run-target.ts";
import { targets } from "./targets.ts";

const seed = 20_261_121;
// `npm run test:fuzz` takes a million.
const count = process.env["OUTRIGGER_TESTS"] === "all" ? 10_000 : 2000;

describe.each(targets.map((target) => ({ name: target.name, target })))("$name", ({ target }) => {
  it(`takes ${count} inputs without a crash, a hang or a broken promise`, async () => {
    const { failure, inputs } = await runTarget(target, seed, count);
    expect(failure).toBeUndefined();
    expect(inputs).toBe(count);
  }, 120_000);
});
