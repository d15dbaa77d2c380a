import { describe, expect, it } from "vitest";
import { type Budget, createBudget, createUsage } from "#core/budget/budget.ts";
import { createLoopShare } from "#core/budget/loop-share.ts";
import { budgetFromEnv, type BudgetSettings } from "#core/resources/budget.ts";
import { admit, type Admission, type Leave, type Refusal } from "#core/gate/admit.ts";
import { refusalOverGrpc } from "#core/wire/grpc/refusals.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp, recordingChannel } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { api } from "../api.ts";

function budgetOf(settings: BudgetSettings): {
  readonly budget: Budget;
  usage: ReturnType<typeof createUsage>;
} {
  const usage = createUsage();
  const budget = createBudget(settings, usage, createLoopShare(fakeClock(), undefined), undefined);
  if (!budget) throw new Error("no budget");
  return { budget, usage };
}

/** Comes to the gate of an app that has nothing but the budget. */
function knock(budget: Budget, isStream: boolean): Admission | Promise<Admission> {
  const arrival = { app: fakeApp({ budget }), header: () => undefined };
  return admit(arrival, { bytes: 5, isStream });
}

describe("settings", () => {
  const read = (annotations: object) => {
    const { documents, problems } = parseDocuments(
      JSON.stringify({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Configuration",
        metadata: { name: "c", annotations },
        spec: {},
      }),
      "c.yaml",
    );
    const found = documents.filter((document) => document.kind === "Configuration");
    return { budget: mergeConfigurations(found).budget, problems: problems.map(problemText) };
  };
  it("come from a Configuration's annotations", () => {
    expect(
      read({
        "outrigger.dev/max-concurrent-calls": "10",
        "outrigger.dev/max-body-bytes-in-flight": "64Mi",
        "outrigger.dev/max-open-streams": 5,
        "outrigger.dev/max-loop-ms-per-second": "300",
        "example.com/other": "x",
      }).budget,
    ).toEqual({
      maxConcurrentCalls: 10,
      maxBodyBytesInFlight: 64 * 2 ** 20,
      maxOpenStreams: 5,
      maxLoopMsPerSecond: 300,
    });
  });
  it.each(["", "0", "-1", "many", "1e99"])("with %j are refused", (text) => {
    expect(read({ "outrigger.dev/max-concurrent-calls": text }).problems.join()).toContain(
      "outrigger.dev/max-concurrent-calls is",
    );
  });
  it("come from the environment for all apps", () => {
    expect(budgetFromEnv({ OUTRIGGER_BUDGET_MAX_OPEN_STREAMS: "7" })).toEqual({
      maxOpenStreams: 7,
    });
    expect(() => budgetFromEnv({ OUTRIGGER_BUDGET_MAX_OPEN_STREAMS: "x" })).toThrow(
      "OUTRIGGER_BUDGET_MAX_OPEN_STREAMS is",
    );
  });
  it("that say nothing make no budget", () => {
    const loop = createLoopShare(fakeClock(), undefined);
    expect(createBudget({}, createUsage(), loop, undefined)).toBeUndefined();
  });
});

describe("a budget over HTTP", () => {
  function setUp(settings: BudgetSettings) {
    const { budget, usage } = budgetOf(settings);
    const gate = Promise.withResolvers<void>();
    const channel = recordingChannel(async ({ path }) => {
      if (path.startsWith("/slow")) await gate.promise;
      return path === "/stream"
        ? { body: new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(10)) }) }
        : { body: "ok" };
    });
    const callee = fakeApp({ appId: "cart", channel });
    const call = api(fakeApp({ appId: "shop", budget }), [stateHttp], { find: () => callee });
    const neighbour = api(fakeApp({ appId: "other" }), [stateHttp], { find: () => callee });
    return { call, neighbour, usage, release: gate.resolve };
  }
  it("answers 429 for calls beyond those at a time, and lets a neighbour through", async () => {
    const { call, neighbour, usage, release } = setUp({ maxConcurrentCalls: 2 });
    const running = [1, 2].map(() => call("/v1.0/invoke/cart/method/slow"));
    const refused = await call("/v1.0/invoke/cart/method/fast");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.json).toEqual({
      errorCode: "ERR_BUDGET_EXCEEDED",
      message: "the app's budget is used up: concurrent calls",
    });
    expect((await neighbour("/v1.0/invoke/cart/method/fast")).status).toBe(200);
    release();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await call("/v1.0/invoke/cart/method/fast")).status).toBe(200);
    expect(usage).toEqual({ calls: 0, bytes: 0, streams: 0 });
  });
  it("answers 413 for bodies beyond those in flight", async () => {
    const { call, usage, release } = setUp({ maxBodyBytesInFlight: 10 });
    const running = call("/v1.0/invoke/cart/method/slow", { method: "POST", body: "12345678" });
    const refused = await call("/v1.0/invoke/cart/method/x", { method: "POST", body: "123" });
    expect(refused.status).toBe(413);
    expect((await call("/v1.0/invoke/cart/method/x")).status).toBe(200);
    release();
    await running;
    expect(usage).toEqual({ calls: 0, bytes: 0, streams: 0 });
  });
  it("gives back what failed calls took", async () => {
    const { call, usage } = setUp({ maxConcurrentCalls: 1 });
    for (let i = 0; i < 5; i++) expect((await call("/v1.0/invoke/nobody")).status).toBe(404);
    expect((await call("/v1.0/state/none/k")).status).toBeGreaterThan(399);
    expect(usage.calls).toBe(0);
  });
});

describe("a budget over gRPC", () => {
  it("throws what becomes ResourceExhausted", async () => {
    const { budget, usage } = budgetOf({ maxConcurrentCalls: 2, maxOpenStreams: 1 });
    const enter = (isStream: boolean) => knock(budget, isStream);
    const leave = enter(true) as Leave;
    const failure = refusalOverGrpc(enter(true) as Refusal);
    expect(failure.spec.grpc).toBe(8);
    expect(failure.message).toContain("open streams");
    const leaveCall = enter(false) as Leave;
    expect(enter(false)).toEqual({ why: "budget", short: "concurrent calls" });
    leave();
    leaveCall();
    expect(usage).toEqual({ calls: 0, bytes: 0, streams: 0 });
  });
});

describe("refusals of an app", () => {
  const limited = (clock = fakeClock()) => {
    const loop = createLoopShare(clock, () => 0);
    const budget = createBudget({ maxConcurrentCalls: 1 }, createUsage(), loop, undefined);
    return { budget: budget as Budget, clock };
  };
  it("come at once while they are few", async () => {
    const { budget, clock } = limited();
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 20; i++) expect(budget.holdBack(0)).toBeUndefined();
      await clock.advance(1000);
    }
  });
  it("come one after the other when they are many, none later than after 5 s", async () => {
    const { budget, clock } = limited();
    let told = 0;
    for (let i = 0; i < 3000; i++)
      void (budget.holdBack(0) ?? Promise.resolve()).then(() => told++);
    await clock.advance(0);
    expect(told).toBeLessThan(25);
    await clock.advance(1000);
    expect(told).toBeGreaterThan(200);
    expect(told).toBeLessThan(250);
    await clock.advance(4000);
    expect(told).toBe(3000);
  });
  it("wait longer for large bodies, which go on coming", async () => {
    const { budget, clock } = limited();
    let told = 0;
    for (let i = 0; i < 40; i++)
      void (budget.holdBack(2 ** 20) ?? Promise.resolve()).then(() => told++);
    await clock.advance(1000);
    expect(told).toBeLessThan(6);
  });
  it("are given at once beyond those that can be held", () => {
    const { budget } = limited();
    let atOnce = 0;
    for (let i = 0; i < 6000; i++) if (!budget.holdBack(0)) atOnce++;
    expect(atOnce).toBeGreaterThanOrEqual(1000);
  });
  it("are slow over both wires", async () => {
    const { budget, clock } = limited();
    void knock(budget, false);
    for (let i = 0; i < 21; i++) void budget.holdBack(0);
    const refused = [knock(budget, false), knock(budget, true)];
    for (const each of refused) expect(each).toBeInstanceOf(Promise);
    const call = api(fakeApp({ appId: "shop", budget }), [stateHttp]);
    let answered = 0;
    const answer = call("/v1.0/state/store/k").finally(() => answered++);
    await clock.advance(1);
    expect(answered).toBe(0);
    await clock.advance(1000);
    expect((await answer).status).toBe(429);
    for (const refusal of await Promise.all(refused))
      expect(refusal).toMatchObject({ why: "budget" });
  });
  it("are told at once where no event loop is shared", () => {
    const { budget } = budgetOf({ maxConcurrentCalls: 1 });
    for (let i = 0; i < 1000; i++) expect(budget.holdBack(0)).toBeUndefined();
  });
});

describe("a part of the event loop", () => {
  it("holds back who used more than it while the loop is busy, and nobody while it is not", async () => {
    const clock = fakeClock();
    let active = 0;
    const loop = createLoopShare(clock, () => active);
    const greedy = loop.take(100);
    const modest = loop.take(100);
    const work = (greedyCalls: number): readonly [number, boolean] => {
      let admitted = 0;
      for (let i = 0; i < greedyCalls; i++) if (greedy.admits(0, false)) admitted++;
      return [admitted, modest.admits(0, false)];
    };
    expect(work(1000)).toEqual([1000, true]);
    active += 250;
    await clock.advance(250);
    // All of the last window was the greedy one's: 250 ms of the 25 that it may have.
    expect(work(1000)[0]).toBeLessThan(200);
    expect(work(0)[1]).toBe(true);
    active += 10;
    await clock.advance(250);
    expect(work(1000)).toEqual([1000, true]);
  });
  it("is used by what a call turns out to be, too", async () => {
    const clock = fakeClock();
    let active = 0;
    const loop = createLoopShare(clock, () => active);
    const [heavy, light] = [loop.take(100), loop.take(100)];
    const admitted = async (): Promise<readonly number[]> => {
      const counts = [0, 0];
      for (let i = 0; i < 100; i++) {
        active += 2.5;
        await clock.advance(2.5);
        if (light.admits(0, true)) counts[0]!++;
        if (!heavy.admits(0, true)) continue;
        counts[1]!++;
        heavy.charge(9);
      }
      return counts;
    };
    await admitted();
    const [ofLight, ofHeavy] = await admitted();
    expect(ofHeavy).toBeGreaterThan(0);
    expect((ofLight as number) / (ofHeavy as number)).toBeGreaterThan(4);
  });
  it("is not exceeded as soon as the loop calms, while refusals wait", async () => {
    const clock = fakeClock();
    let active = 0;
    const loop = createLoopShare(clock, () => active);
    const greedy = loop.take(100);
    for (let i = 0; i < 250; i++) greedy.admits(0, false);
    active += 250;
    await clock.advance(250);
    let admitted = 0;
    for (let i = 0; i < 1000; i++) {
      await clock.advance(1);
      if (!greedy.admits(0, true)) continue;
      admitted++;
      active += 1;
    }
    // Of 1000 ms a tenth, at 1 ms each.
    expect(admitted).toBeGreaterThan(70);
    expect(admitted).toBeLessThan(130);
    expect(greedy.admits(0, false)).toBe(true);
  });
});
