import { expect, it } from "vitest";
import { checkPaths } from "#test/paths/check-paths.ts";

it("what access control judges is what the app gets, over both wires", async () => {
  const { checked, dispatched, refused } = await checkPaths(20_261_121, 10_000);
  expect(checked).toBe(10_000);
  // The generator must reach both ends, or the check says nothing.
  expect(dispatched).toBeGreaterThan(3000);
  expect(refused).toBeGreaterThan(500);
});
