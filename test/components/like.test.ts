import { describe, expect, test } from "vitest";
import { likeMatcher, likePrefix } from "#components/_shared/like.ts";

describe("likeMatcher", () => {
  test.each([
    ["", "", true],
    ["", "a", false],
    ["%", "", true],
    ["a%", "a", true],
    ["a%", "ba", false],
    ["%a%b%", "xaxxbx", true],
    ["%a%b", "ab b", true],
    ["%ab", "aab", true],
    ["%ab%ab", "abab", true],
    ["%ab%ab", "aba", false],
    ["_", "😀", true],
    ["_", "", false],
    ["a_c", "a\nc", true],
    ["A", "a", false],
    ["\\%", "%", true],
    ["\\%", "x", false],
    ["\\_\\\\", "_\\", true],
    ["a\\", "a\\", true],
    [".*", ".*", true],
    [".*", "ab", false],
  ])("%j fits %j: %s", (pattern, key, fits) => {
    expect(likeMatcher(pattern)(key)).toBe(fits);
  });
  test("ends soon for a pattern that makes a regular expression stand still", () => {
    const begun = performance.now();
    expect(likeMatcher(`${"%a".repeat(50)}b`)("a".repeat(1000))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe("likePrefix", () => {
  test.each([
    ["abc", "abc"],
    ["ab%c", "ab"],
    ["_a", ""],
    ["a\\%b_", "a%b"],
    ["a\\", "a\\"],
  ])("of %j is %j", (pattern, prefix) => {
    expect(likePrefix(pattern)).toBe(prefix);
  });
});
