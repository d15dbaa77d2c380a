import { describe, expect, it } from "vitest";
import { parseYaml } from "#core/resources/yaml.ts";

const read = (text: string): unknown => parseYaml(text, 0).value;

/** What sigs.k8s.io/yaml, which Dapr reads resources with, makes of the same texts. */
describe("YAML as Go's reader takes it", () => {
  it.each([
    ["on", true],
    ["y", true],
    ["Yes", true],
    ["oN", "oN"],
    ["off", false],
    ["N", false],
    ["~", null],
    ["", null],
    ["010", 8],
    ["-0777", -511],
    ["08", 8],
    ["0o17", 15],
    ["0x1F", 31],
    ["0b11", 3],
    ["1_000", 1000],
    ["_1", "_1"],
    ["1e3", 1000],
    [".5", 0.5],
    ["1.", 1],
    ["1.10", 1.1],
    ["+1", 1],
    ["1e400", "1e400"],
    [".inf", ".inf"],
    ["12:30:45", "12:30:45"],
    ["2024-01-01", "2024-01-01"],
    ["1.2.3", "1.2.3"],
    ["0x", "0x"],
    ["18446744073709551615", "18446744073709551615"],
    ["18446744073709551616", 18446744073709552000],
    ['"on"', "on"],
    ["'010'", "010"],
    ["!!str 5", "5"],
    ['!!int "7"', 7],
    ["!mine on", "on"],
    ["!!binary aGVsbG8=", "hello"],
  ])("%s is %j", (text, wanted) => {
    expect(read(`a: ${text}`)).toEqual({ a: wanted });
  });

  it.each([
    [
      "lines in double quotes",
      'a:\n  b: "{\nx: 1,\n\ny: 2\n}"\nc: d',
      { a: { b: "{ x: 1,\ny: 2 }" }, c: "d" },
    ],
    ["lines in single quotes", "a:\n  b: 'one\ntwo'\nc: d", { a: { b: "one two" }, c: "d" }],
    ["brackets", 'a:\n  b: {\n"x": [1,\n2]\n}\nc: d', { a: { b: { x: [1, 2] } }, c: "d" }],
    ["a comment right behind quotes", 'a: "x"#c', { a: "x" }],
    ["what follows the end of the document", "a: 1\n...\nb: 2", { a: 1 }],
    ["names that are words", "on: 1\n5: x", { true: 1, "5": "x" }],
    [
      "a merge where it stands",
      "a: &a {q: 1, r: 1}\nb: {q: 2, <<: *a, r: 3}",
      { a: { q: 1, r: 1 }, b: { q: 1, r: 3 } },
    ],
    [
      "merges of which the first counts",
      "a: &a {q: 1}\nb: {<<: [*a, {q: 2, z: 1}]}",
      { a: { q: 1 }, b: { q: 1, z: 1 } },
    ],
    ["a block that the text ends", "a: |\n  x", { a: "x" }],
    ["a block with its newline", "a: |\n  x\n", { a: "x\n" }],
  ])("takes %s", (_, text, wanted) => {
    expect(read(text)).toEqual(wanted);
  });

  it.each([
    ["an unknown alias", "a: *b", 'alias "b" has no anchor before it'],
    ["a cycle", "a: &a [*a]", 'alias "a" refers to a value that it is part of'],
    ["a key that is a list", "? [x]\n: y", "it has a key that is not text"],
    ["quotes without an end", 'a: "b\nc: d', 'Missing closing "quote'],
    ["a number that is none", "a: !!int x", '"x" cannot be read as int'],
    ["a merge of text", "a: {<<: x}", '"<<" takes a mapping or a list of mappings'],
  ])("refuses %s", (_, text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  it("warns of a key that is repeated, and of lines that are not read", () => {
    expect(parseYaml("a: 1\na: 2", 0)).toEqual({
      value: { a: 2 },
      warnings: ['key "a" is repeated at line 2, column 1; the last one is used'],
    });
    expect(parseYaml("  a: 1\nb: 2", 3)).toEqual({
      value: { a: 1 },
      warnings: ["the rest has no effect: Unexpected scalar at node end at line 5, column 1"],
    });
  });
  it("keeps names that mean something to JavaScript as names", () => {
    const value = read("__proto__: {a: 1}") as object;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
