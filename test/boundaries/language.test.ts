import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const sources = ["core", "components", "k8s", "targets"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("core/wire/grpc/gen/")),
);

/** What reads as translated, with what to write instead. CONTRIBUTING.md has more of them. */
const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /(?<!there )\b(?:is|are) no (?!longer|more|such|older|newer|better|less|later|earlier|\$)\w/i,
    '"is not a …", "is not valid …"',
  ],
  [/\banew\b/, '"again"'],
  [/\b(?:gives?|gave|given) back\b/, '"returns"'],
  [/\bput by\b/, '"set aside"'],
  [/\bbeside\b/, '"besides", "next to", "as well as"'],
];

/** Texts that somebody reads while the program runs: string literals of two words or more. */
function* messagesOf(file: string): Generator<string> {
  const code = readFileSync(join(root, file), "utf8").replaceAll(
    /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm,
    "",
  );
  for (const [, text = ""] of code.matchAll(/(?:"((?:[^"\\\n]|\\.)* (?:[^"\\\n]|\\.)*)")/g))
    yield text;
  for (const [, text = ""] of code.matchAll(/`((?:[^`\\]|\\.)* (?:[^`\\]|\\.)*)`/g)) yield text;
}

describe("messages", () => {
  it("are found", () => {
    expect(sources.flatMap((file) => [...messagesOf(file)]).length).toBeGreaterThan(1000);
  });
  it.each(patterns)("do not say %s", (pattern, instead) => {
    const found = sources.flatMap((file) =>
      [...messagesOf(file)]
        .filter((text) => pattern.test(text))
        .map((text) => `${file}: ${JSON.stringify(text.slice(0, 120))}: write ${instead}`),
    );
    expect(found).toEqual([]);
  });
});
