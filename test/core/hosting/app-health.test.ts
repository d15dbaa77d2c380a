import { describe, expect, it } from "vitest";
import { createAppHealthCheck, whileHealthy } from "#core/hosting/app-health/app-health.ts";
import type { AppChannel } from "#core/ports/platform.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const probe = { path: "/healthz", intervalMs: 5000, timeoutMs: 500, threshold: 3 };

function checked(answer: () => number | Promise<number>) {
  const clock = fakeClock();
  const asked: string[] = [];
  const channel: AppChannel = {
    send: async ({ method, path, headers }) => {
      asked.push(`${method} ${path} ${headers.length}`);
      return { status: await answer(), headers: [] };
    },
  };
  const check = createAppHealthCheck(channel, probe, clock);
  const turns: boolean[] = [];
  const stop = new AbortController();
  const over = check.run(async (isHealthy) => void turns.push(isHealthy), { signal: stop.signal });
  /** Lets the next probe come, and its answer with it. */
  const next = async (): Promise<void> => {
    const before = asked.length;
    await clock.advance(probe.intervalMs);
    await eventually(() => asked.length > before);
    await new Promise((done) => setImmediate(done));
  };
  return { check, clock, channel, asked, turns, next, stop, over };
}

describe("app health", () => {
  it("is bad until the app says otherwise, and bad again after so many failures in a row", async () => {
    let status = 500;
    const { check, turns, asked, next, stop, over } = checked(() => status);
    await eventually(() => asked.length === 1);
    expect(check.isHealthy).toBe(false);
    status = 204;
    await next();
    expect(turns).toEqual([true]);
    status = 404;
    await next();
    await next();
    expect(check.isHealthy).toBe(true);
    status = 200;
    await next();
    status = 503;
    await next();
    await next();
    await next();
    expect(turns).toEqual([true, false]);
    // No token, no headers at all.
    expect(new Set(asked)).toEqual(new Set(["GET /healthz 0"]));
    stop.abort();
    await over;
  });
  it("counts an app that does not answer in time as failing", async () => {
    let hang = false;
    const { check, clock, next, asked, stop, over } = checked(() =>
      hang ? new Promise<number>(() => {}) : 200,
    );
    await eventually(() => check.isHealthy);
    hang = true;
    for (let i = 0; i < 3; i++) {
      await next();
      await clock.advance(probe.timeoutMs);
      await new Promise((done) => setImmediate(done));
    }
    await eventually(() => !check.isHealthy, { what: `unhealthy after ${asked.length}` });
    stop.abort();
    await over;
  });
  it("keeps calls away from an app that is not well", async () => {
    const { check, channel, stop, over } = checked(() => 500);
    const call = whileHealthy(channel, check).send(
      { method: "GET", path: "/", headers: [] },
      { signal: stop.signal },
    );
    await expect(call).rejects.toThrow("app is not in a healthy state");
    stop.abort();
    await over;
  });
});
