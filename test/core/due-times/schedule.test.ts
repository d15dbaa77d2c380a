import { describe, expect, it } from "vitest";
import { parseSchedule } from "#core/due-times/schedule.ts";

const start = Date.UTC(2026, 0, 1, 10, 20, 30, 500);

/** The first times after `from`. */
function times(text: string, from: number | string = start, count = 3): string[] {
  const schedule = parseSchedule(text);
  const out: string[] = [];
  let tick: number | undefined = typeof from === "string" ? Date.parse(from) : from;
  while (out.length < count) {
    tick = schedule.following(tick, tick);
    if (tick === undefined) break;
    out.push(new Date(tick).toISOString().replace(".000Z", "Z"));
  }
  return out;
}
const first = (text: string): string | undefined => times(text, start, 1)[0];

describe("six fields", () => {
  it.each([
    ["* * * * * *", "2026-01-01T10:20:31Z"],
    ["? ? ? ? ? ?", "2026-01-01T10:20:31Z"],
    ["  0  30\t* * * * ", "2026-01-01T10:30:00Z"],
    ["*/15 * * * * *", "2026-01-01T10:20:45Z"],
    ["5/20 * * * * *", "2026-01-01T10:20:45Z"],
    ["3-59/15 20 * * * *", "2026-01-01T10:20:33Z"],
    ["1,2 0 0 * * *", "2026-01-02T00:00:01Z"],
    ["0 0 0 1 1 *", "2027-01-01T00:00:00Z"],
    ["0 0 0 1 JAN *", "2027-01-01T00:00:00Z"],
    ["0 0 0 ? * sun", "2026-01-04T00:00:00Z"],
    ["0 0 0 * * Mon-Fri", "2026-01-02T00:00:00Z"],
    ["0 0 0 * feb-mar 6", "2026-02-07T00:00:00Z"],
    ["0 0 0 29 2 *", "2028-02-29T00:00:00Z"],
    ["*/1 * * * * *", "2026-01-01T10:20:31Z"],
  ])("%s", (text, wanted) => expect(first(text)).toBe(wanted));
  it("either of the two fields of days matches where both are restricted", () => {
    expect(times("0 0 0 15 * MON", start, 4)).toEqual([
      "2026-01-05T00:00:00Z",
      "2026-01-12T00:00:00Z",
      "2026-01-15T00:00:00Z",
      "2026-01-19T00:00:00Z",
    ]);
    // A step restricts, too.
    expect(times("0 0 0 */10 * SUN", start, 3)).toEqual([
      "2026-01-04T00:00:00Z",
      "2026-01-11T00:00:00Z",
      "2026-01-18T00:00:00Z",
    ]);
  });
  it("a date that never comes is none", () => {
    expect(times("0 0 0 30 2 *")).toEqual([]);
    expect(times("0 0 0 31 4 *")).toEqual([]);
  });
  it.each([
    ["0 0 1 1 *", "expected exactly 6 fields, found 5: [0 0 1 1 *]"],
    ["0 0 0 1 1 * 2030", "expected exactly 6 fields, found 7: [0 0 0 1 1 * 2030]"],
    ["every day", "expected exactly 6 fields, found 2: [every day]"],
    ["1h", "expected exactly 6 fields, found 1: [1h]"],
    [" ", "expected exactly 6 fields, found 0: []"],
    ["", "empty spec string"],
    ["60 0 0 1 1 *", "end of range (60) above maximum (59): 60"],
    ["0 60 0 1 1 *", "end of range (60) above maximum (59): 60"],
    ["0 0 24 1 1 *", "end of range (24) above maximum (23): 24"],
    ["0 0 0 0 1 *", "beginning of range (0) below minimum (1): 0"],
    ["0 0 0 32 1 *", "end of range (32) above maximum (31): 32"],
    ["0 0 0 1 13 *", "end of range (13) above maximum (12): 13"],
    ["0 0 0 * * 7", "end of range (7) above maximum (6): 7"],
    ["0 0 0 * * FRI-MON", "beginning of range (5) beyond end of range (1): FRI-MON"],
    ["0 0 0 * FOO *", 'failed to parse int from FOO: strconv.Atoi: parsing "FOO": invalid syntax'],
    ["-1 0 0 1 1 *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
    ["1-2-3 0 0 1 1 *", "too many hyphens: 1-2-3"],
    ["1/2/3 0 0 1 1 *", "too many slashes: 1/2/3"],
    ["*/0 0 0 1 1 *", "step of range should be a positive number: */0"],
    ["*/x 0 0 1 1 *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ["L 0 0 1 1 *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'],
    [", 0 0 1 1 *", "no value in the field ,"],
  ])("%j: %s", (text, why) => expect(() => parseSchedule(text)).toThrow(new Error(why)));
});

describe("words", () => {
  it.each([
    ["@yearly", "2027-01-01T00:00:00Z"],
    ["@annually", "2027-01-01T00:00:00Z"],
    ["@monthly", "2026-02-01T00:00:00Z"],
    ["@weekly", "2026-01-04T00:00:00Z"],
    ["@daily", "2026-01-02T00:00:00Z"],
    ["@midnight", "2026-01-02T00:00:00Z"],
    ["@hourly", "2026-01-01T11:00:00Z"],
  ])("%s", (text, wanted) => expect(first(text)).toBe(wanted));
  it.each(["@minutely", "@Daily", "@", "@every", "@reboot"])("not %s", (text) =>
    expect(() => parseSchedule(text)).toThrow(new Error(`unrecognized descriptor: ${text}`)),
  );
});

describe("time zones", () => {
  it.each(["TZ", "CRON_TZ"])("%s=", (name) => {
    expect(first(`${name}=Europe/Paris 0 0 12 * * *`)).toBe("2026-01-01T11:00:00Z");
    expect(first(`${name}=Asia/Kolkata @daily`)).toBe("2026-01-01T18:30:00Z");
    expect(first(`${name}=UTC 0 0 12 * * *`)).toBe("2026-01-01T12:00:00Z");
    expect(first(`${name}= 0 0 12 * * *`)).toBe("2026-01-01T12:00:00Z");
  });
  it.each([
    ["TZ=Mars/Base 0 0 0 1 1 *", "provided bad location Mars/Base: unknown time zone Mars/Base"],
    ["TZ=Europe/Paris", "timezone prefix TZ=Europe/Paris is not followed by a schedule"],
    ["TZ=Europe/Paris  ", "timezone prefix TZ=Europe/Paris is not followed by a schedule"],
    [
      "CRON_TZ=Europe/Paris @every 1h",
      "timezone is not supported for @every schedules: CRON_TZ=Europe/Paris @every 1h",
    ],
    ["TZ=", "timezone prefix TZ= is not followed by a schedule"],
    ["CRON_TZ=", "timezone prefix CRON_TZ= is not followed by a schedule"],
  ])("%j: %s", (text, why) => expect(() => parseSchedule(text)).toThrow(new Error(why)));
  it("where clocks go forward, a time that is skipped comes when the gap ends", () => {
    expect(times("TZ=Europe/Paris 0 30 2 * * *", "2026-03-28T00:00:00Z")).toEqual([
      "2026-03-28T01:30:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-30T00:30:00Z",
    ]);
  });
  it("where clocks go back, a time of the day comes once, and each hour still has its own", () => {
    expect(times("TZ=Europe/Paris 0 30 2 * * *", "2026-10-24T12:00:00Z")).toEqual([
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z",
      "2026-10-27T01:30:00Z",
    ]);
    expect(times("TZ=Europe/Paris 0 0 * * * *", "2026-10-24T23:30:00Z", 4)).toEqual([
      "2026-10-25T00:00:00Z",
      "2026-10-25T01:00:00Z",
      "2026-10-25T02:00:00Z",
      "2026-10-25T03:00:00Z",
    ]);
  });
});

describe("@every", () => {
  const every = (text: string, tick: number, after: number): number | undefined =>
    parseSchedule(`@every ${text}`).following(tick, after);
  it("counts from its first time, however late things are", () => {
    expect(every("1h30m", 0, 0)).toBe(5_400_000);
    expect(every("1s", 250, 250)).toBe(1250);
    expect(every("1s", 250, 1249)).toBe(1250);
    expect(every("1s", 250, 1250)).toBe(2250);
    expect(every("100ms", 7, 1_000_000_000_000)).toBe(1_000_000_000_007);
    expect(every("1.1s", 0, 1100)).toBe(2200);
  });
  it("does not stand still where the clock has been set back", () =>
    expect(every("1s", 5000, 0)).toBe(6000));
  it("is a millisecond at least, and whole ones", () => {
    expect(every("0s", 5, 5)).toBe(6);
    expect(every("1ns", 5, 5)).toBe(6);
    expect(every("1500us", 5, 5)).toBe(6);
    expect(every("2999us", 5, 5)).toBe(7);
  });
  it.each([
    ["@every PT1H", 'failed to parse duration @every PT1H: time: invalid duration "PT1H"'],
    ["@every ", 'failed to parse duration @every : time: invalid duration ""'],
    ["@every 5", 'failed to parse duration @every 5: time: invalid duration "5"'],
    ["@every  5s", 'failed to parse duration @every  5s: time: invalid duration " 5s"'],
    [
      "@every 9999999999h",
      'failed to parse duration @every 9999999999h: time: invalid duration "9999999999h"',
    ],
    ["@every -5s", "negative duration is not allowed: @every -5s"],
  ])("%j: %s", (text, why) => expect(() => parseSchedule(text)).toThrow(new Error(why)));
});
