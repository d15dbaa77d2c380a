import { describe, expect, it } from "vitest";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";

const head = (kind: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: ${kind}\nmetadata: {name: x}\n`;
const problems = (text: string): readonly string[] =>
  parseDocuments(text, "f.yaml").problems.map(problemText);
/** Repeated up to so many characters. */
function many(part: (i: number) => string, most = 4_000_000): string {
  const parts: string[] = [];
  for (let i = 0, length = 0; length < most; i++) {
    parts.push(part(i));
    length += part(i).length;
  }
  return parts.join("");
}

describe("a file of documents", () => {
  it.each([
    ["many keys", Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`).join("\n")],
    ["many faults", "&a ".repeat(100_000)],
    ["many anchors", Array.from({ length: 20_000 }, (_, i) => `- [&a${i} x, *a${i}]`).join("\n")],
    ["many documents", "\n---\nx".repeat(200_000)],
    ["many opening brackets", "[".repeat(4_000_000)],
    ["many list dashes", "- ".repeat(2_000_000)],
    ["many entries", `a: [${"x,".repeat(2_000_000)}]`],
    ["many repeated keys", "a: 1\n".repeat(800_000)],
    ["many unknown names", head("Component") + many((i) => `unknown${i}: 1\n`)],
    ["large documents", many((i) => `---\na${i}: [${"x,".repeat(30_000)}]\n`)],
    [
      "a large merge",
      `a: &a {${many((i) => `k${i}: 1,`, 50_000)}}\n${many((i) => `c${i}: {<<: *a}\n`)}`,
    ],
  ])("of %s is read in time that goes with its length", (_, text) => {
    // What takes quadratic time does not end within the test's.
    expect(problems(text).length).toBeLessThanOrEqual(101);
  });
  it("of more than 10,000 documents is read so far, and says so", () => {
    const text = Array.from(
      { length: 10_001 },
      (_, i) => `${head("Component").replace("name: x", `name: c${i}`)}spec: {type: a.b}`,
    ).join("\n---\n");
    const { documents, problems: found } = parseDocuments(text, "f.yaml");
    expect(documents).toHaveLength(10_000);
    expect(found.map(problemText)).toEqual([
      "f.yaml (document 10001): is one too many; the limit is 10000 per file",
    ]);
  });
});
