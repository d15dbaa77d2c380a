import { expect, onTestFinished, test } from "vitest";
import { changeReports } from "#components/redis/change-reports.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { eventually } from "#test/support/eventually.ts";
import { testHost } from "#test/support/host.ts";

/** Reports over a table of values; reports wait while `hold` is set. */
function setup(known: Readonly<Record<string, string | undefined>> = {}) {
  const values: Record<string, string | undefined> = { ...known };
  const reported: Array<readonly [string, string | undefined]> = [];
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const clock = fakeClock();
  const { log, lines } = testHost();
  const world = {
    values,
    reported,
    controller,
    clock,
    lines,
    broken: false,
    reading: 0,
    mostReading: 0,
    held: undefined as Promise<void> | undefined,
  };
  const listener = changeReports(
    {
      known: new Map(Object.entries(known)),
      read: async (key) => {
        if (world.broken) throw new Error("no connection");
        return values[key];
      },
      report: async (key, value) => {
        world.mostReading = Math.max(world.mostReading, ++world.reading);
        reported.push([key, value]);
        await world.held;
        world.reading--;
      },
      clock,
      log,
      component: "test",
    },
    controller,
  );
  return Object.assign(world, { listener });
}

test("a change is reported even when the value is the known one; after a gap only what differs is", async () => {
  const world = setup({ a: "1", b: "1", c: undefined });
  world.listener.changed("a");
  await eventually(() => world.reported.length === 1);
  world.values["b"] = "2";
  world.listener.resumed();
  await eventually(() => world.reported.length === 2);
  world.listener.resumed();
  world.listener.changed("c");
  await eventually(() => world.reported.length === 3);
  expect(world.reported).toEqual([
    ["a", "1"],
    ["b", "2"],
    ["c", undefined],
  ]);
});
test("a change that could not be read is reported later", async () => {
  const world = setup();
  world.broken = true;
  world.listener.changed("k");
  await eventually(() => world.clock.sleepers === 1);
  expect(world.lines).toMatchObject([{ level: "warn" }]);
  world.broken = false;
  world.values["k"] = "1";
  await world.clock.advance(1000);
  await eventually(() => world.reported.length === 1);
  expect(world.reported).toEqual([["k", "1"]]);
});
test("what waits has bounds, and so has what is reported at the same time", async () => {
  const world = setup();
  let letGo = (): void => {};
  world.held = new Promise((resolve) => (letGo = resolve));
  for (let i = 0; i < 10_100; i++) world.listener.changed(`key-${i}`);
  await eventually(() => world.reported.length === 10);
  letGo();
  await eventually(() => world.reported.length === 10_010);
  expect(world.mostReading).toBe(10);
  expect(world.lines.filter(({ message }) => message.startsWith("More than 10000"))).toHaveLength(
    1,
  );
});
test("nothing is reported once the signal has fired", async () => {
  const world = setup();
  world.broken = true;
  world.listener.changed("k");
  await eventually(() => world.clock.sleepers === 1);
  world.controller.abort();
  world.listener.changed("other");
  await eventually(() => world.clock.sleepers === 0);
  expect(world.reported).toEqual([]);
});
