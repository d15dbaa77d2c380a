import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { stringLiterals } from "./string-literals.ts";

const root = join(import.meta.dirname, "../..");
const sources = ["core", "components", "k8s", "targets"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("core/wire/grpc/gen/")),
);
const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "");

type Pattern = readonly [RegExp, string];

/** What reads as translated, with what to write instead. CONTRIBUTING.md has more of them. */
const patterns: readonly Pattern[] = [
  [
    /(?<!there )\b(?:is|are) no (?!longer|more|such|older|newer|better|less|later|earlier|\$)\w/i,
    '"is not a …", "is not valid …"',
  ],
  [/(?<!there )\b(?:is|are) none\b/i, '"is not …", "does not belong to"'],
  [/\ban? \w+ and no \w/, '"a …, not a …"'],
  [/\banew\b/i, '"again"'],
  [/\bg(?:ives?|ave|iven|iving) (?:\w+ )?back\b/i, '"returns", "releases"'],
  [/\bt(?:akes?|ook|aken|aking) (?:the )?\w+ back\b/i, '"withdraws", "removes"'],
  [/\bput(?:s|ting)? (?:by|aside)\b/i, '"set aside", "store"'],
  [/\bbeside\b/i, '"besides", "next to", "as well as"'],
  [/\bin vain\b/i, '"without success", or what failed'],
  [/\bamid\b/i, '"during", "within"'],
  [/\bfor ever\b/i, '"forever", "indefinitely"'],
  [/\bby (?:itself|themselves)\b/i, '"automatically", "on its own"'],
  [/\bof (?:its|their|our|your) own\b(?! \w)/i, '"its own …", "separate", "dedicated"'],
  [/\bany more\b|\bno more(?=[.,;:]|$)/i, '"no longer"'],
  [/\bformer\b/i, '"previous"'],
  [/, so that\b/i, '", so" for a result'],
  [/\bmay not\b/i, '"cannot" or "must not"'],
  [/\b(?:whoever|nobody|somebody|everybody)\b/i, 'the program: "no app", "a client that"'],
  [/\b(?:is|are|was|were) told\b/i, '"receives", "is notified"'],
  [/\b(?:tells?|told|telling|hears?|heard) of\b/i, '"reports", "learns about"'],
  [/\b(?:does|do|did) not say\b/i, '"does not report", "does not set"'],
  [/\bcomes? again\b/i, '"is delivered again"'],
  [/\b(?:the|this|that) (?:first|last|one) counts\b/i, '"the first is used"'],
  [/\bcounts? no\b|\bdoes not count(?=[.;:]|$)/i, '"is not valid", "is ignored"'],
  [/\b(?:be|been) had\b/i, '"be obtained", "be read"'],
  [/\bbut for\b/i, '"except"'],
  [/\b(?:certificate|token|key|caBundle) (?:is|are) (?:not )?of\b/, '"belongs to", "comes from"'],
  [/(?<!help )\btexts\b/i, '"strings"'],
  [/(?:\d|\}) an? (?:second|minute|request|file|call|pod|node|app|event|span)\b/, '"per …"'],
  [
    /\b(?:resource|Component|(?<!OpenID )Configuration|Resiliency|Subscription|dapr\.io) documents?\b/,
    '"resource"',
  ],
];
/** Only for the documentation: Dapr's own messages have some of it. */
const patternsOfPages: readonly Pattern[] = [
  ...patterns,
  [/\blook(?:s|ed|ing)? (?:at|after)\b/i, '"checks", "uses", "reads"'],
  [/\bwants? to be\b/i, '"must be", "should be"'],
  [/\bgives? out\b/i, '"returns", "passes on"'],
  [/\bstands? (?:in|on|beside|there)\b/i, '"is in", "is listed in"'],
];

/** String literals of two words or more, by file. */
const messages = sources.map((file) => ({
  file,
  texts: [...stringLiterals(readFileSync(join(root, file), "utf8"))].filter((text) =>
    /\w+ \w/.test(text),
  ),
}));

/** The prose of a page, line by line: code is left out, and so are the examples of CONTRIBUTING. */
function proseOf(file: string): readonly string[] {
  return readFileSync(join(root, file), "utf8")
    .replaceAll(/<!-- before and after -->[\s\S]*?<!-- end -->/g, "")
    .replaceAll(/^```[\s\S]*?^```/gm, "")
    .split("\n")
    .filter((line) => !line.startsWith("    "))
    .map((line) => line.replaceAll(/`[^`]*`/g, "…"));
}

describe("string literals", () => {
  it.each([
    ['say("a b")', ["a b"]],
    ["say(`a ${b} c`)", ["a ${x} c"]],
    ['say(`a ${b ? "c d" : `e ${f({})}`} g`)', ["c d", "e ${x}", "a ${x} g"]],
    ['// "no"\n/* "no" */ say("a\\"b")', ['a\\"b']],
    ["x = /[\"/]/.test(y) / 2; say('a b')", ["a b"]],
    ["say(`\\`a\\` {b}`)", ["\\`a\\` {b}"]],
  ])("of %s", (code, texts) => {
    expect([...stringLiterals(code)]).toEqual(texts);
  });
});

describe("messages", () => {
  it("are found", () => {
    expect(messages.flatMap(({ texts }) => texts).length).toBeGreaterThan(1000);
  });
  it.each(patterns)("do not say %s", (pattern, instead) => {
    const found = messages.flatMap(({ file, texts }) =>
      texts
        .filter((text) => pattern.test(text))
        .map((text) => `${file}: ${JSON.stringify(text.slice(0, 120))}: write ${instead}`),
    );
    expect(found).toEqual([]);
  });
});

describe("documentation", () => {
  it("is found", () => {
    expect(pages).toContain("docs/targets/kubernetes.md");
  });
  it.each(patternsOfPages)("does not say %s", (pattern, instead) => {
    const found = pages.flatMap((file) =>
      proseOf(file).flatMap((line) => {
        const at = pattern.exec(line)?.index;
        return at === undefined
          ? []
          : [`${file}: …${line.slice(Math.max(0, at - 40), at + 60)}…: write ${instead}`];
      }),
    );
    expect(found).toEqual([]);
  });
});
