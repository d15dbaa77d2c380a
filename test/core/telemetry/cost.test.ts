import { describe, expect, test } from "vitest";
import { shareCpu } from "#core/telemetry/cost.ts";
import { valueOf } from "#test/support/exposition.ts";
import { appMetrics, shown } from "./support.ts";

const cpuOf = (metrics: ReturnType<typeof appMetrics>, appId: string): number | undefined =>
  valueOf(shown(metrics), "outrigger_app_cpu_seconds_total", { app_id: appId });

describe("what apps cost", () => {
  test("CPU time is shared by calls and bytes, all of it and no more", () => {
    const busy = appMetrics("{}", "busy");
    const idle = appMetrics("{}", "idle");
    const heavy = appMetrics("{}", "heavy");
    for (let i = 0; i < 10; i++) {
      busy.cost.api.begin(0);
      busy.cost.api.end(0);
    }
    heavy.cost.app.begin(0);
    heavy.cost.app.end(9 * 16_384);
    shareCpu([busy, idle, heavy], 4);
    expect([cpuOf(busy, "busy"), cpuOf(idle, "idle"), cpuOf(heavy, "heavy")]).toEqual([2, 0, 2]);
    // Only what came since then counts the next time.
    idle.cost.api.begin(0);
    shareCpu([busy, idle, heavy], 1);
    expect([cpuOf(busy, "busy"), cpuOf(idle, "idle"), cpuOf(heavy, "heavy")]).toEqual([2, 1, 2]);
  });

  test("time in which no app did anything is nobody's", () => {
    const app = appMetrics();
    shareCpu([app], 3);
    expect(cpuOf(app, "app")).toBe(0);
  });

  test("calls in flight rise and fall; counters only rise, however often they are shown", () => {
    const app = appMetrics();
    const read = (name: string, direction: string): number | undefined => {
      app.cost.show();
      return valueOf(shown(app), `outrigger_app_${name}`, { app_id: "app", direction });
    };
    app.cost.api.begin(100);
    app.cost.api.begin(50);
    expect([read("calls_in_flight", "api"), read("calls_total", "api")]).toEqual([2, 2]);
    expect(read("request_bytes_total", "api")).toBe(150);
    app.cost.api.end(7);
    app.cost.api.end(8);
    expect([read("calls_in_flight", "api"), read("calls_total", "api")]).toEqual([0, 2]);
    expect([read("response_bytes_total", "api"), read("calls_total", "app")]).toEqual([15, 0]);
  });
});
