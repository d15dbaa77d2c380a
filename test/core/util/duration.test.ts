import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDuration } from "#core/util/duration.ts";
import { parseQuantity } from "#core/util/quantity.ts";

describe("parseDuration", () => {
  it.each([
    ["1h30m", 5_400_000],
    ["300ms", 300],
    ["1.5s", 1500],
    ["-1s", -1000],
    ["0", 0],
    ["100us", 0.1],
    [".5s", 500],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms);
  });
  it.each(["", "1", "s", "1 s", "1d", "1h-3m", "1e3s", "ms1", "1..5s"])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
  it("never throws, and takes time in proportion", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseDuration(text)));
    expect(parseDuration("1".repeat(100_000))).toBeUndefined();
  });
});

describe("parseQuantity", () => {
  it.each([
    ["4Mi", 4_194_304],
    ["4Ki", 4096],
    ["1M", 1_000_000],
    ["1024", 1024],
    ["1.5Ki", 1536],
  ])("reads %s as %d bytes", (text, bytes) => {
    expect(parseQuantity(text)).toBe(bytes);
  });
  it.each(["", "-1", "4MiB", "4 Mi", "x", "1e3", "99999999999Gi"])("refuses %j", (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});
