import { describe, expect, test } from "vitest";
import { linearReplace } from "#core/util/linear-replace.ts";

// What Go's regexp.ReplaceAllString gives for the same three texts.
const rows: ReadonlyArray<readonly [pattern: string, with_: string, text: string, out: string]> = [
  ["/orders/.+", "/orders/{id}", "/orders/12/items", "/orders/{id}"],
  ["/orders/.+", "/orders/{id}", "/carts/12", "/carts/12"],
  ["\\d+", "{n}", "/a/12/b/7", "/a/{n}/b/{n}"],
  ["^/v(\\d+)/(.*)$", "/$2?v=$1", "/v2/users", "/users?v=2"],
  ["(?P<kind>[a-z]+)-(?P<no>\\d+)", "${no}:$kind", "red-1 blue-22", "1:red 22:blue"],
  ["a|ab", "x", "ab", "xb"],
  ["a+?", "x", "aaa", "xxx"],
  ["(a)(b)?", "<$1$2>", "aab", "<a><ab>"],
  ["", "-", "abc", "-a-b-c-"],
  ["a*", "-", "baac", "-b-c-"],
  ["\\bcat\\b", "dog", "cat concat cat", "dog concat dog"],
  ["(?m)^x", "y", "x\nx", "y\ny"],
  ["(?i)ABC", "n", "xabcX", "xnX"],
  [".", "_", "a\u{1f600}b", "___"],
  ["$", "!", "end", "end!"],
  ["b", "$$", "abc", "a$c"],
  ["b", "[$9$nope]", "abc", "a[]c"],
  ["[^/]+$", "{last}", "/one/two", "/one/{last}"],
];

describe("replacing in linear time", () => {
  for (const [pattern, replacement, text, out] of rows)
    test(`${JSON.stringify(pattern)} by ${JSON.stringify(replacement)} in ${JSON.stringify(text)} gives ${JSON.stringify(out)}`, () => {
      expect(linearReplace(pattern, replacement)(text)).toBe(out);
    });
  test("an expression that would make others backtrack for ever does not", () => {
    const replace = linearReplace("(a+)+$", "x");
    expect(replace(`${"a".repeat(2000)}b`)).toBe(`${"a".repeat(2000)}b`);
    expect(linearReplace("(a|aa)*c|a", "x")("aaaa")).toBe("xxxx");
  });
  test("an expression that cannot be read is refused", () => {
    expect(() => linearReplace("(", "x")).toThrow(/missing closing/);
  });
});
