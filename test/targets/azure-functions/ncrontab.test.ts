import { expect, test } from "vitest";
import { ncrontab } from "#targets/azure-functions/ncrontab.ts";

test.each([
  ["*/5 * * * *", "0 */5 * * * *"],
  ["30 */5 * * * MON-FRI", "30 */5 * * * MON-FRI"],
  [" 0  0 12 ? * 1 ", "0 0 12 * * 1"],
  ["@hourly", "0 0 * * * *"],
  ["@Daily", "0 0 0 * * *"],
  ["@every 15s", "00:00:15"],
  ["@every 1h30m", "01:30:00"],
])("ncrontab turns %j into %j", (schedule, expected) => {
  expect(ncrontab(schedule)).toBe(expected);
});

test.each([
  "",
  "* * *",
  "@fortnightly",
  "@every",
  "@every 0s",
  "@every 24h",
  "@every 1.5h",
  "* * * * * * *",
])("ncrontab does not take %j", (schedule) => {
  expect(ncrontab(schedule)).toBeUndefined();
});
