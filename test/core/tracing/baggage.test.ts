import { describe, expect, it } from "vitest";
import { baggageFault } from "#core/tracing/baggage.ts";

describe("baggageFault", () => {
  it.each([
    "",
    " ",
    "a=1",
    "a=",
    "user=7;p=1;flag, b=2",
    " a = 1 ; p = 2 ,b=2",
    "a=%20%C3%A9",
    "!#$%&'*+.^`|~-=x=y",
    Array.from({ length: 180 }, (_, i) => `k${i}=v`).join(","),
  ])("takes %j", (header) => {
    expect(baggageFault(header)).toBeUndefined();
  });
  it.each([
    ["a", /no "="/],
    ["a=1,", /no "="/],
    ["=1", /invalid key ""/],
    ["a b=1", /invalid key "a b"/],
    ["a=b c", /invalid value of key "a"/],
    ['a="b"', /invalid value/],
    ["a=é", /invalid value/],
    ["a=b\\c", /invalid value/],
    ["a=1;", /invalid key ""/],
    ["a=1;p q=2", /invalid key "p q"/],
    ['a=1;p="2"', /invalid value of key "p"/],
    [`a=${"x".repeat(8192)}`, /more than 8192 bytes/],
    [Array.from({ length: 181 }, (_, i) => `k${i}=v`).join(","), /more than 180 members/],
  ])("refuses %s", (header, why) => {
    expect(baggageFault(header)).toMatch(why);
  });
});
