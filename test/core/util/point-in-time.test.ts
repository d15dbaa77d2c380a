import { describe, expect, it } from "vitest";
import { addIsoDuration, parseIsoDuration } from "#core/util/iso-duration.ts";
import { parsePointInTime, parseTimestamp } from "#core/util/point-in-time.ts";

const from = Date.UTC(2026, 0, 31, 10);
const second = 1000;
const hour = 3_600_000;
const day = 24 * hour;

describe("a timestamp", () => {
  it.each([
    ["2026-01-02T15:04:05Z", Date.UTC(2026, 0, 2, 15, 4, 5)],
    ["2026-01-02T15:04:05.123456789Z", Date.UTC(2026, 0, 2, 15, 4, 5, 123)],
    ["2026-01-02T15:04:05.5+02:00", Date.UTC(2026, 0, 2, 13, 4, 5, 500)],
    ["2026-01-02T15:04:05-11:30", Date.UTC(2026, 0, 3, 2, 34, 5)],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000],
    ["9999-12-31T23:59:59Z", 253_402_300_799_000],
  ])("%s", (text, ms) => expect(parseTimestamp(text)).toBe(ms));
  it.each([
    "",
    "2026-01-02",
    "2026-01-02 15:04:05Z",
    "2026-01-02T15:04:05",
    "2026-01-02t15:04:05z",
    "2026-1-2T15:04:05Z",
    "2026-13-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-02T24:00:00Z",
    "2026-01-02T15:60:00Z",
    "2026-01-02T15:04:60Z",
    "2026-01-02T15:04:05+24:00",
    "2026-01-02T15:04:05.Z",
    `2026-01-02T15:04:05.${"1".repeat(100)}Z`,
    "+2026-01-02T15:04:05Z",
  ])("is not %j", (text) => expect(parseTimestamp(text)).toBeUndefined());
});

describe("an ISO 8601 duration", () => {
  const none = { years: 0, months: 0, days: 0, ms: 0, repeats: undefined };
  it.each([
    ["PT10S", { ms: 10 * second }],
    ["P1DT2H", { days: 1, ms: 2 * hour }],
    ["P1Y2M3W4DT5H6M7S", { years: 1, months: 2, days: 25, ms: 5 * hour + 367 * second }],
    ["P1M", { months: 1 }],
    ["PT1M", { ms: 60 * second }],
    ["R5/PT10S", { ms: 10 * second, repeats: 5 }],
    ["R0/PT1S", { ms: second, repeats: 0 }],
    ["R3", { repeats: 3 }],
  ])("%s", (text, wanted) => expect(parseIsoDuration(text)).toEqual({ ...none, ...wanted }));
  it.each([
    "",
    "P",
    "PT",
    "P1",
    "PT5",
    "PT0.5S",
    "P1D2H",
    "P-1D",
    "PT1S1M",
    "1D",
    "R",
    "R/PT1S",
    "R1/",
    "R1/10s",
    "R-1/PT1S",
    "R1PT1S",
    "p1d",
    "Please",
    "P1DT",
    `P${"1".repeat(80)}D`,
  ])("is not %j", (text) => expect(parseIsoDuration(text)).toBeUndefined());
  it("goes by the calendar", () => {
    const add = (text: string): string | undefined => {
      const ms = addIsoDuration(from, parseIsoDuration(text) ?? none);
      return ms === undefined ? undefined : new Date(ms).toISOString();
    };
    expect(add("P1Y")).toBe("2027-01-31T10:00:00.000Z");
    // There is no 31 February: Go goes on into March, and so does this.
    expect(add("P1M")).toBe("2026-03-03T10:00:00.000Z");
    expect(add("P1W")).toBe("2026-02-07T10:00:00.000Z");
    expect(add("P999999999999Y")).toBeUndefined();
  });
});

describe("a moment", () => {
  it.each([
    ["2026-01-02T15:04:05Z", Date.UTC(2026, 0, 2, 15, 4, 5)],
    ["0s", from],
    ["0", from],
    ["1h2m3.5s", from + hour + 123.5 * second],
    ["-5s", from - 5 * second],
    ["100us", from + 1],
    ["PT10S", from + 10 * second],
    ["P1D", from + day],
    ["R0/PT1H", from + hour],
  ])("%s", (text, ms) => expect(parsePointInTime(text, from)).toBe(ms));
  it("is not a duration that repeats", () => {
    expect(parsePointInTime("R2/PT1H", from)).toBe("repeats");
    expect(parsePointInTime("R2", from)).toBe("repeats");
  });
  it.each(["", "soon", "5", "1d", "1h 2m", "@every 1s", "9999999999999h", "P9999999999Y"])(
    "is not %j",
    (text) => expect(parsePointInTime(text, from)).toBeUndefined(),
  );
});
