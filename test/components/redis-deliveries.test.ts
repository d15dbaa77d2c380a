import { describe, expect, test } from "vitest";
import { createDeliveries, type Delivery } from "#components/redis/deliveries.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

function setUp(mostLate = 2) {
  const clock = fakeClock();
  const late: string[] = [];
  const watching = new AbortController();
  const deliveries = createDeliveries({
    timeoutMs: 1000,
    mostLate,
    clock,
    late: ({ ids }) => void late.push(...ids),
  });
  void deliveries.watch(watching.signal);
  const seen = new Map<string, { readonly delivery: Delivery; finish(): void }>();
  const released: string[] = [];
  const run = (id: string): void =>
    void deliveries
      .run([id], (delivery) => new Promise((finish) => void seen.set(id, { delivery, finish })))
      .then(() => released.push(id));
  const of = (id: string) => seen.get(id) as { readonly delivery: Delivery; finish(): void };
  return { clock, late, watching, deliveries, run, of, released };
}

describe("deliveries of Redis messages", () => {
  test("let who waits for them go on when they are done, or late, each at its own time", async () => {
    const { clock, late, run, of, released } = setUp();
    run("quick");
    await clock.advance(600);
    run("slow");
    of("quick").finish();
    await clock.advance(999);
    expect([released, late]).toEqual([["quick"], []]);
    await clock.advance(1);
    expect([released, late]).toEqual([["quick", "slow"], ["slow"]]);
    expect(of("slow").delivery.isLate).toBe(true);
    expect(of("slow").delivery.signal.aborted).toBe(false);
    of("slow").finish();
  });
  test("that are late are bounded: the oldest ends", async () => {
    const { clock, run, of } = setUp(2);
    for (const id of ["1", "2", "3"]) {
      run(id);
      await clock.advance(1000);
    }
    const ended = ["1", "2", "3"].map((id) => of(id).delivery.signal.aborted);
    expect(ended).toEqual([true, false, false]);
  });
  test("use their signals again, but not one that has fired", async () => {
    const { clock, run, of } = setUp(0);
    run("1");
    of("1").finish();
    await clock.advance(0);
    run("2");
    expect(of("2").delivery.signal).toBe(of("1").delivery.signal);
    await clock.advance(1000);
    expect(of("2").delivery.signal.aborted).toBe(true);
    of("2").finish();
    await clock.advance(0);
    run("3");
    expect(of("3").delivery.signal.aborted).toBe(false);
  });
  test("are over once late ones are, too; the end ends both", async () => {
    const { clock, deliveries, run, of } = setUp();
    run("late");
    await clock.advance(1000);
    run("waited for");
    let isIdle = false;
    void deliveries.idle().then(() => (isIdle = true));
    deliveries.end(new Error("closed"));
    expect(["late", "waited for"].map((id) => of(id).delivery.signal.aborted)).toEqual([
      true,
      true,
    ]);
    of("waited for").finish();
    await clock.advance(0);
    expect(isIdle).toBe(false);
    of("late").finish();
    await clock.advance(0);
    expect(isIdle).toBe(true);
  });
});
