import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonErrorText, parseJson } from "#core/util/json.ts";

describe("parseJson", () => {
  it("keeps the digits of numbers that a float cannot hold", () => {
    const text = '{"big":12345678901234567890,"small":0.1234567890123456789,"n":5}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });
  it("reads anything that JSON.parse reads, to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
    );
  });
});

/** The texts of Go's encoding/json, which SDK users see. */
describe("jsonErrorText", () => {
  it.each([
    ["", "EOF"],
    ["  ", "EOF"],
    ["{", "unexpected EOF"],
    ['{"a"', "unexpected EOF"],
    ["[1,", "unexpected EOF"],
    ['"abc', "unexpected EOF"],
    ["nope", "invalid character 'o' in literal null (expecting 'u')"],
    ["{bad", "invalid character 'b' looking for beginning of object key string"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["[1 2]", "invalid character '2' after array element"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["1 2", "invalid character '2' after top-level value"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["-x", "invalid character 'x' in numeric literal"],
  ])("says of %j: %s", (text, wanted) => {
    expect(jsonErrorText(text)).toBe(wanted);
  });
  it("says something of every text that JSON.parse refuses", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          JSON.parse(text);
        } catch {
          expect(jsonErrorText(text)).not.toBe("");
        }
      }),
    );
  });
});
