import { describe, expect, it } from "vitest";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import { type BackoffPolicy, createRetryPauses } from "#core/resiliency/retry-pauses.ts";
import { createMatcher } from "#core/resiliency/codes.ts";
import { BreakerOpenError, TimeoutError } from "#core/resiliency/failure.ts";
import { createRetry, type RetryOptions } from "#core/resiliency/retry.ts";
import { createTimeout } from "#core/resiliency/timeout.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { silent } from "../api.ts";

const constant: BackoffPolicy = {
  policy: "constant",
  durationMs: 100,
  maxIntervalMs: 60_000,
  maxRetries: 3,
};
const exponential: BackoffPolicy = { ...constant, policy: "exponential", maxRetries: -1 };
const free = { signal: new AbortController().signal };

function pausesOf(policy: BackoffPolicy, random: () => number, most = 100): number[] {
  let now = 0;
  const next = createRetryPauses(policy, () => now, random);
  const out: number[] = [];
  for (let pause = next(); pause !== undefined && out.length < most; pause = next()) {
    out.push(pause);
    now += pause;
  }
  return out;
}

describe("pauses between tries", () => {
  it("are the same each time for a constant policy, as many as it has retries", () => {
    expect(pausesOf(constant, Math.random)).toEqual([100, 100, 100]);
    expect(pausesOf({ ...constant, maxRetries: 0 }, Math.random)).toEqual([]);
    expect(pausesOf({ ...constant, maxRetries: -1 }, Math.random)).toHaveLength(100);
  });
  it("grow by half from half a second for an exponential one, up to the longest", () => {
    const pauses = pausesOf({ ...exponential, maxRetries: 6, maxIntervalMs: 2000 }, () => 0.5);
    expect(pauses).toEqual([500, 750, 1125, 1687.5, 2000, 2000]);
  });
  it("differ by at most a half of themselves", () => {
    expect(pausesOf({ ...exponential, maxRetries: 1 }, () => 0)).toEqual([250]);
    expect(pausesOf({ ...exponential, maxRetries: 1 }, () => 1)).toEqual([750]);
  });
  it("end after 15 minutes of an exponential one", () => {
    const total = pausesOf(exponential, () => 0.5).reduce((sum, each) => sum + each, 0);
    expect(total).toBeLessThanOrEqual(15 * 60_000);
    expect(total).toBeGreaterThan(13 * 60_000);
  });
});

describe("matching", () => {
  it.each([
    ["429,500-599", undefined, 500, true],
    ["429,500-599", undefined, 599, true],
    ["429,500-599", undefined, 404, false],
    ["429,500-599", undefined, 14, true],
    [undefined, "2,8-14", 14, true],
    [undefined, "2,8-14", 5, false],
    [undefined, "2,8-14", 404, true],
    ["", "", 404, true],
    [",500,", undefined, 500, true],
  ])("http %j grpc %j: %d is tried again: %s", (http, grpc, status, wanted) => {
    const matches = createMatcher({
      ...(http === undefined ? {} : { httpStatusCodes: http }),
      ...(grpc === undefined ? {} : { gRPCStatusCodes: grpc }),
    });
    expect(matches(status)).toBe(wanted);
  });
});

describe("retry", () => {
  const retry = (clock: FakeClock, given: Partial<RetryOptions> = {}) =>
    createRetry({ ...constant, nameOf: () => "test", clock, log: silent, ...given });
  /** Fails so often, then answers. */
  const failing = (times: number, reason: unknown = new Error("down")) => {
    let tries = 0;
    return {
      get tries() {
        return tries;
      },
      run: async () => {
        tries++;
        if (tries <= times) throw reason;
        return "ok";
      },
    };
  };
  it("tries again until it works", async () => {
    const clock = fakeClock();
    const work = failing(3);
    const done = retry(clock)(work.run, free);
    await clock.advance(300);
    expect(await done).toBe("ok");
    expect(work.tries).toBe(4);
  });
  it("says in Dapr's words that it tries again, and that it has recovered", async () => {
    const clock = fakeClock();
    const log = keptLog();
    const nameOf = (method: string): string => `endpoint[cart, cart:${method}]`;
    const done = retry(clock, { log, nameOf, durationMs: 1500 })(failing(2).run, free, "add");
    await clock.advance(3000);
    await done;
    const again = "Error processing operation endpoint[cart, cart:add]. Retrying in 1.5s…";
    expect(log.lines).toEqual([
      { level: "warn", message: again },
      { level: "warn", message: again },
      {
        level: "info",
        message: "Recovered processing operation endpoint[cart, cart:add] after 3 attempts",
      },
    ]);
    await retry(clock, { log, nameOf })(failing(0).run, free);
    expect(log.lines).toHaveLength(3);
  });
  it("gives the last failure when it has tried enough", async () => {
    const clock = fakeClock();
    const work = failing(99);
    const done = retry(clock)(work.run, free).catch(messageOf);
    await clock.advance(1000);
    expect(await done).toBe("down");
    expect(work.tries).toBe(4);
  });
  it.each([
    ["an open breaker", new BreakerOpenError("circuit breaker is open")],
    ["an ETag of another writer", new ComponentError("etag-mismatch", "no")],
    ["an ETag that is none", new ComponentError("etag-invalid", "no")],
  ])("does not try %s again", async (_, reason) => {
    const work = failing(1, reason);
    await expect(retry(fakeClock())(work.run, free)).rejects.toBe(reason);
    expect(work.tries).toBe(1);
  });
  it("tries only statuses that match, and what has none", async () => {
    const clock = fakeClock();
    const matching = { httpStatusCodes: "500" };
    const wrong = failing(1, Object.assign(new Error("404"), { status: 404 }));
    await expect(retry(clock, { matching })(wrong.run, free)).rejects.toThrow("404");
    const right = failing(1, Object.assign(new Error("500"), { status: 500 }));
    const bare = failing(1);
    const done = [right, bare].map(({ run }) => retry(clock, { matching })(run, free));
    await clock.advance(100);
    expect(await Promise.all(done)).toEqual(["ok", "ok"]);
  });
  it("ends with its caller, with the failure that there was", async () => {
    const clock = fakeClock();
    const gone = new AbortController();
    const work = failing(99);
    const done = retry(clock)(work.run, { signal: gone.signal }).catch(messageOf);
    await clock.advance(50);
    gone.abort();
    expect(await done).toBe("down");
    expect(work.tries).toBe(1);
  });
});

describe("timeout", () => {
  it("ends what takes too long, and fires its signal", async () => {
    const clock = fakeClock();
    const seen: unknown[] = [];
    const done = createTimeout(100, clock)(({ signal }) => {
      signal.addEventListener("abort", () => seen.push(signal.reason));
      return new Promise(() => {});
    }, free);
    const failed = done.catch(messageOf);
    await clock.advance(100);
    expect(await failed).toBe("context deadline exceeded");
    expect(seen[0]).toBeInstanceOf(TimeoutError);
  });
  it("leaves what is done in time alone, and its timer with nothing to do", async () => {
    const clock = fakeClock();
    expect(await createTimeout(100, clock)(async () => 7, free)).toBe(7);
    expect(clock.sleepers).toBe(0);
  });
  it("fires a signal that is looked at only afterwards", async () => {
    const clock = fakeClock();
    let given: { readonly signal: AbortSignal } | undefined;
    const done = createTimeout(100, clock)((options) => {
      given = options;
      return new Promise(() => {});
    }, free);
    done.catch(() => {});
    await clock.advance(100);
    expect(given?.signal.aborted).toBe(true);
  });
  it("passes the caller's end on", async () => {
    const gone = new AbortController();
    let inner: AbortSignal | undefined;
    void createTimeout(100, fakeClock())(
      ({ signal }) => {
        inner = signal;
        return new Promise(() => {});
      },
      { signal: gone.signal },
    );
    gone.abort();
    expect(inner?.aborted).toBe(true);
  });
  it("lets go of an answer that comes too late", async () => {
    const clock = fakeClock();
    let cancelled = false;
    let answer: (value: unknown) => void = () => {};
    const done = createTimeout(100, clock)(
      () => new Promise((resolve) => (answer = resolve)),
      free,
    );
    done.catch(() => {});
    await clock.advance(100);
    answer({ body: new ReadableStream({ cancel: () => void (cancelled = true) }) });
    await clock.advance(0);
    expect(cancelled).toBe(true);
  });
});
