import { expect, test } from "vitest";
import { compactJson } from "#core/util/compact-json.ts";

test.each([
  ['{  "foo": [ 12, 4 ] }', '{"foo":[12,4]}'],
  ['\t"a  b"\r\n', '"a  b"'],
  ['{ "a \\" b" : " \\\\" , "c" : 1.50e+2 }', '{"a \\" b":" \\\\","c":1.50e+2}'],
  ["\"<a href='x'>&\u2028\u2029\"", "\"\\u003ca href='x'\\u003e\\u0026\\u2028\\u2029\""],
  ["12345678901234567890.10", "12345678901234567890.10"],
])("%j becomes %j", (text, compact) => expect(compactJson(text)).toBe(compact));

test("a long string is not cut up", () => {
  const text = JSON.stringify("x y ".repeat(500_000));
  expect(compactJson(text)).toBe(text);
});
