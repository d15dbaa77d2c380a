import { describe, expect, test } from "vitest";
import { expiryText, ttlSeconds, type TtlStyle } from "#components/_shared/ttl.ts";

const bounded: TtlStyle = { by: "ParseInt", before: "error: ", bounded: true };

describe("ttlSeconds", () => {
  test.each([
    [{}, undefined],
    [{ ttlInSeconds: "" }, undefined],
    [{ ttlInSeconds: "60" }, 60],
    [{ ttlInSeconds: "+5" }, 5],
    [{ ttlInSeconds: "-1" }, -1],
    [{ ttlInSeconds: "2147483647" }, 2147483647],
  ])("reads %j as %s", (metadata, seconds) => {
    expect(ttlSeconds(metadata)).toBe(seconds);
    expect(ttlSeconds(metadata, bounded)).toBe(seconds);
  });
  test.each([
    ["x", undefined, 'strconv.Atoi: parsing "x": invalid syntax'],
    ["1.5", undefined, 'strconv.Atoi: parsing "1.5": invalid syntax'],
    [
      "9999999999999999999",
      undefined,
      'strconv.Atoi: parsing "9999999999999999999": value out of range',
    ],
    ["x", bounded, 'error: strconv.ParseInt: parsing "x": invalid syntax'],
    ["-2", bounded, "error: must be -1 or greater"],
    ["2147483648", bounded, "error: must be -1 or greater"],
  ])("refuses %s in the words of Dapr", (text, style, message) => {
    expect(() => ttlSeconds({ ttlInSeconds: text }, style)).toThrow(
      expect.objectContaining({ kind: "rejected", message }),
    );
  });
});

test("expiryText is RFC 3339 in whole seconds", () => {
  expect(expiryText(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe("2026-01-02T03:04:05Z");
});
