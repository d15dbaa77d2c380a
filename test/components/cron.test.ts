import { describe, expect, it } from "vitest";
import { input } from "#components/cron/manifest.ts";
import { parseSchedule } from "#components/cron/schedule.ts";
import type { InputBinding } from "#core/ports/bindings.ts";
import { inputBindingContract } from "#test/contracts/input-binding.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";

const start = Date.UTC(2026, 0, 1, 10, 20, 30, 500);
const clock = fakeClock(start);
const host = testHost({ clock });
const cron = (schedule: string): Promise<InputBinding> => openComponent(input, { schedule }, host);

describe("bindings.cron", () => {
  inputBindingContract({
    open: () => cron("@every 10s"),
    trigger: () => clock.advance(10_000),
    afterRejection: "is-gone",
  });

  it("fires at each time of the schedule, with the time in metadata and no data", async () => {
    await using binding = await cron("TZ=UTC 0 0 * * * *");
    const times: unknown[] = [];
    const ended = new AbortController();
    await binding.listen(async (event) => {
      times.push(event);
      return undefined;
    }, ended);
    const hour = 3_600_000;
    await clock.advance(2 * hour);
    ended.abort();
    const first = new Date(Math.ceil((clock.now() - 2 * hour) / hour) * hour).toISOString();
    expect(times).toHaveLength(2);
    expect(times[0]).toEqual({
      metadata: {
        timeZone: "Local",
        readTimeUTC: `${first.slice(0, 10)} ${first.slice(11, 19)} +0000 UTC`,
      },
    });
  });
  it("does not wait for the event before, but leaves events out once 100 are with the app", async () => {
    const own = testHost({ clock: fakeClock(start) });
    await using binding = await openComponent(input, { schedule: "@every 1s" }, own);
    let count = 0;
    const ended = new AbortController();
    await binding.listen(() => {
      count++;
      return new Promise(() => {});
    }, ended);
    await (own.clock as typeof clock).advance(103_000);
    ended.abort();
    expect(count).toBe(100);
    expect(own.lines.filter(({ level }) => level === "warn").length).toBeGreaterThanOrEqual(3);
  });
  it("fires for every app that listens, until each has ended", async () => {
    await using binding = await cron("@every 1s");
    const counts = [0, 0];
    const ends = counts.map(() => new AbortController());
    await Promise.all(
      ends.map((end, i) =>
        binding.listen(async () => {
          counts[i] = (counts[i] as number) + 1;
          return undefined;
        }, end),
      ),
    );
    await clock.advance(1000);
    await eventually(() => counts.every((count) => count === 1));
    ends[0]?.abort();
    await clock.advance(1000);
    expect(counts).toEqual([1, 2]);
  });
  it.each([
    "",
    "INVALID_SCHEDULE",
    "60 * * * *",
    "* * * * * * *",
    "@every",
    "@every x",
    "@every -1s",
    "@fortnightly",
    "0 0 31 2 *",
    "TZ=Nowhere/City 0 0 * * *",
  ])("does not start with the schedule %j", async (schedule) => {
    await expect(cron(schedule)).rejects.toThrow("schedule");
  });
});

describe("schedule", () => {
  const at = (text: string): string | undefined => {
    const next = parseSchedule(text, start).next(start);
    return next === undefined ? undefined : new Date(next).toISOString();
  };
  it.each([
    ["TZ=UTC */15 * * * *", "2026-01-01T10:30:00.000Z"],
    ["TZ=UTC 15 * * * * *", "2026-01-01T10:21:15.000Z"],
    ["TZ=UTC 0 0 */6 ? * *", "2026-01-01T12:00:00.000Z"],
    ["TZ=UTC 5/15 * * * *", "2026-01-01T10:35:00.000Z"],
    ["TZ=UTC 0 9 * * MON-FRI", "2026-01-02T09:00:00.000Z"],
    ["CRON_TZ=Asia/Tokyo 0 0 * * *", "2026-01-01T15:00:00.000Z"],
    ["TZ=UTC @daily", "2026-01-02T00:00:00.000Z"],
    ["TZ=UTC @yearly", "2027-01-01T00:00:00.000Z"],
    ["TZ=UTC @weekly", "2026-01-04T00:00:00.000Z"],
    ["@every 1h30m", "2026-01-01T11:50:30.000Z"],
    ["@every 100ms", "2026-01-01T10:20:31.000Z"],
    [" TZ=UTC @hourly ", "2026-01-01T11:00:00.000Z"],
  ])("%s comes next at %s", (text, expected) => {
    expect(at(text)).toBe(expected);
  });
});
