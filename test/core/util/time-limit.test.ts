import { describe, expect, it } from "vitest";
import type { CallOptions } from "#core/ports/component.ts";
import { endsWithin, orAborted, within } from "#core/util/time-limit.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const never = new Promise<never>(() => {});

describe("within", () => {
  it("passes on what the work answers, or why it fails, and leaves no timer behind", async () => {
    const clock = fakeClock();
    let given: AbortSignal | undefined;
    const work = async ({ signal }: CallOptions): Promise<string> => {
      given = signal;
      return "done";
    };
    expect(await within(clock, 1000, {}, work)).toBe("done");
    // What the work leaves open does not end with it.
    expect(given?.aborted).toBe(false);
    await expect(
      within(clock, 1000, {}, () => Promise.reject(new Error("refused"))),
    ).rejects.toThrow("refused");
    await expect(
      within(clock, 1000, {}, () => {
        throw new Error("at once");
      }),
    ).rejects.toThrow("at once");
    expect(clock.sleepers).toBe(0);
  });
  it("rejects once the time is over, and fires the signal of the work, whose failure then is nobody's", async () => {
    const clock = fakeClock();
    let given: AbortSignal | undefined;
    const limited = within(
      clock,
      1000,
      {},
      ({ signal }) =>
        new Promise((_, reject) => {
          given = signal;
          signal.addEventListener("abort", () => reject(new Error("the work was ended")));
        }),
    );
    limited.catch(() => {});
    await clock.advance(999);
    expect(given?.aborted).toBe(false);
    await clock.advance(1);
    await expect(limited).rejects.toThrow("No answer within 1000 ms");
    expect(given?.reason).toEqual(new Error("No answer within 1000 ms"));
  });
  it("rejects with an error of the caller's own, made when it is needed", async () => {
    const clock = fakeClock();
    let made = 0;
    const late = (): Error => new Error(`late ${++made}`);
    await within(clock, 1000, {}, async () => {}, late);
    expect(made).toBe(0);
    const limited = within(clock, 1000, {}, () => never, late);
    limited.catch(() => {});
    await clock.advance(1000);
    await expect(limited).rejects.toThrow("late 1");
  });
  it("ends with the outer signal, and tells the work", async () => {
    const clock = fakeClock();
    const outer = new AbortController();
    let given: AbortSignal | undefined;
    const limited = within(clock, 1000, outer, ({ signal }) => {
      given = signal;
      return never;
    });
    outer.abort(new Error("the caller has gone"));
    await expect(limited).rejects.toThrow("the caller has gone");
    expect(given?.reason).toEqual(new Error("the caller has gone"));
    expect(clock.sleepers).toBe(0);
  });
});

describe("endsWithin", () => {
  it("is true for work that has ended in time, be it with a failure", async () => {
    const clock = fakeClock();
    expect(await endsWithin(clock, 5000, Promise.resolve())).toBe(true);
    expect(await endsWithin(clock, 5000, Promise.reject(new Error("failed")))).toBe(true);
    expect(clock.sleepers).toBe(0);
  });
  it("is false once the time is over; the work goes on, and its failure is nobody's", async () => {
    const clock = fakeClock();
    const work = Promise.withResolvers<void>();
    const late = endsWithin(clock, 5000, work.promise);
    await clock.advance(5000);
    expect(await late).toBe(false);
    work.reject(new Error("too late to matter"));
    await clock.advance(0);
  });
  it("waits without a limit for 0 ms", async () => {
    const clock = fakeClock();
    const slow = Promise.withResolvers<void>();
    const unlimited = endsWithin(clock, 0, slow.promise);
    await clock.advance(1e9);
    slow.resolve();
    expect(await unlimited).toBe(true);
    expect(clock.sleepers).toBe(0);
  });
  it("is false when the signal fires first", async () => {
    const clock = fakeClock();
    const left = new AbortController();
    const waiting = endsWithin(clock, 5000, never, left);
    left.abort();
    expect(await waiting).toBe(false);
    expect(await endsWithin(clock, 5000, never, left)).toBe(false);
    expect(clock.sleepers).toBe(0);
  });
});

describe("orAborted", () => {
  it("passes on what the work answers, or why it fails", async () => {
    const { signal } = new AbortController();
    expect(await orAborted(Promise.resolve(1), { signal })).toBe(1);
    await expect(orAborted(Promise.reject(new Error("refused")), { signal })).rejects.toThrow(
      "refused",
    );
  });
  it("rejects with the signal's reason; what becomes of the work then is nobody's", async () => {
    const left = new AbortController();
    const work = Promise.withResolvers<void>();
    const waiting = orAborted(work.promise, left);
    left.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    await expect(orAborted(work.promise, left)).rejects.toThrow("gone");
    work.reject(new Error("too late to matter"));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
