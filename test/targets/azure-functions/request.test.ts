import type { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { remoteAddressOf } from "#targets/azure-functions/request.ts";

describe("remoteAddressOf", () => {
  it.each([
    [undefined, undefined],
    ["", undefined],
    ["1.2.3.4:5678", "1.2.3.4"],
    ["1.2.3.4", "1.2.3.4"],
    ["9.9.9.9, 1.2.3.4:5678", "1.2.3.4"],
    ["[2001:db8::1]:5678", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["unknown", "unknown"],
  ])("of x-forwarded-for %j is %j", (value, wanted) => {
    const headers = new Headers(value === undefined ? {} : { "x-forwarded-for": value });
    expect(remoteAddressOf({ headers } as unknown as HttpRequest)).toBe(wanted);
  });
});
