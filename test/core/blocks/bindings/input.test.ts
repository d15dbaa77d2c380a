import { describe, expect, it } from "vitest";
import { deliverEvent } from "#core/blocks/bindings/deliver.ts";
import {
  type InputDeps,
  type RunningInputs,
  startInputBindings,
} from "#core/blocks/bindings/input.ts";
import type { App, Loaded } from "#core/kernel/app.ts";
import type { BindingData, InputBinding } from "#core/ports/bindings.ts";
import type { CallOptions, Metadata } from "#core/ports/component.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  type FakeAnswer,
  fakeApp,
  type FakeAppOptions,
  recordingChannel,
  type RecordingChannel,
  type SeenCall,
} from "#test/support/fake-app.ts";
import { fakeClock, type FakeClock } from "#test/support/fake-clock.ts";
import { testHost, type TestHost } from "#test/support/host.ts";

type Deliver = Parameters<InputBinding["listen"]>[0];
const never = { signal: new AbortController().signal };

interface Started {
  readonly channel: RecordingChannel;
  readonly running: RunningInputs;
  readonly clock: FakeClock;
  readonly host: TestHost;
  readonly app: App;
  /** Fires when the component is told to stop. */
  readonly told: AbortSignal | undefined;
  event(event?: BindingData, options?: CallOptions): Promise<BindingData | undefined>;
}
async function start(
  answer: (call: SeenCall) => FakeAnswer | Promise<FakeAnswer> = () => ({}),
  metadata: Metadata = {},
  more: FakeAppOptions & {
    readonly listen?: InputBinding["listen"];
    readonly deps?: Partial<InputDeps>;
    readonly outer?: AbortSignal;
  } = {},
): Promise<Started> {
  const { listen, deps, outer, ...options } = more;
  const clock = fakeClock();
  const host = testHost({ clock });
  const channel = recordingChannel(answer);
  let deliver: Deliver | undefined;
  let told: AbortSignal | undefined;
  const port: InputBinding = {
    listen:
      listen ??
      (async (given, { signal }) => {
        deliver = given;
        told = signal;
      }),
    [Symbol.asyncDispose]: async () => {},
  };
  const app = fakeApp({
    channel,
    components: [{ kind: "bindings.input", name: "tick", port, metadata }],
    ...options,
  });
  const inputs = [app.component("bindings.input", "tick") as Loaded<"bindings.input">];
  const running = await startInputBindings(
    app,
    inputs,
    { clock, log: host.log, ...deps },
    { signal: outer ?? never.signal },
  );
  return {
    channel,
    running,
    clock,
    host,
    app,
    get told() {
      return told;
    },
    event: (event = { data: '{"a":1}', metadata: {} }, call = never) => {
      if (!deliver) throw new Error("Nothing listens");
      return deliver(event, call);
    },
  };
}
const probes = ({ seen }: RecordingChannel): readonly SeenCall[] =>
  seen.filter(({ method }) => method === "OPTIONS");
const events = ({ seen }: RecordingChannel): readonly SeenCall[] =>
  seen.filter(({ method }) => method === "POST");

describe("input bindings, start", () => {
  it.each([200, 204, 299, 405])("read when the app answers the probe with %i", async (status) => {
    const { channel, event, told } = await start(({ method }) => ({
      status: method === "OPTIONS" ? status : 200,
    }));
    expect(probes(channel)).toMatchObject([
      { path: "/tick", headers: { "content-type": "application/json" } },
    ]);
    expect(told?.aborted).toBe(false);
    await event();
    expect(events(channel)).toHaveLength(1);
  });
  it.each([404, 500, 302])("do not read when the app answers the probe with %i", async (status) => {
    const { told, host } = await start(() => ({ status }));
    expect(told).toBeUndefined();
    expect(host.lines).toMatchObject([{ level: "info" }]);
  });
  it("do not read when the app cannot be reached, and say so", async () => {
    const { told, host } = await start(() => Promise.reject(new Error("connection refused")));
    expect(told).toBeUndefined();
    expect(host.lines).toMatchObject([
      { level: "warn", message: expect.stringContaining("connection refused") },
    ]);
  });
  it("do not wait longer than 3 s for the probe's answer", async () => {
    const clock = fakeClock();
    const starting = start(() => new Promise(() => {}), {}, { deps: { clock } });
    await clock.advance(2999);
    await expect(
      Promise.race([starting.then(() => "done"), Promise.resolve("waiting")]),
    ).resolves.toBe("waiting");
    await clock.advance(1);
    const { told, running } = await starting;
    expect(told).toBeUndefined();
    await running.stop();
    expect(clock.sleepers).toBe(0);
  });
  it.each([
    ["could not be reached", () => Promise.reject(new Error("connection refused"))],
    ["answered 503", () => ({ status: 503 })],
  ])("read later when the app %s at first", async (_what, first) => {
    let answer: () => FakeAnswer | Promise<FakeAnswer> = first;
    const started = await start(() => answer());
    const { clock, host, channel, running } = started;
    await clock.advance(4999);
    expect(probes(channel)).toHaveLength(1);
    await clock.advance(1);
    expect(probes(channel)).toHaveLength(2);
    await clock.advance(9999);
    expect(probes(channel)).toHaveLength(2);
    answer = () => ({});
    await clock.advance(1);
    expect(started.told?.aborted).toBe(false);
    await started.event();
    expect(events(channel)).toHaveLength(1);
    expect(host.lines.filter(({ level }) => level !== "debug")).toHaveLength(1);
    await running.stop();
    expect(clock.sleepers).toBe(0);
  });
  it("ask no more once they are stopped", async () => {
    const { clock, channel, running } = await start(() => ({ status: 504 }));
    await running.stop();
    await clock.advance(600_000);
    expect(probes(channel)).toHaveLength(1);
    expect(clock.sleepers).toBe(0);
  });
  it.each(["input", "input, output", "Output,INPUT"])(
    "do not probe where direction is %j",
    async (direction) => {
      const { channel, told } = await start(undefined, { direction });
      expect(channel.seen).toEqual([]);
      expect(told).toBeDefined();
    },
  );
  it("do not start where direction is output", async () => {
    const { channel, told } = await start(undefined, { direction: "output" });
    expect(channel.seen).toEqual([]);
    expect(told).toBeUndefined();
  });
  it.each([
    ["orders", "/orders"],
    ["/a/b", "/a/b"],
    ["//a/../b c?x=1", "/b%20c?x=1"],
    ["a%2Fb", "/a%2Fb"],
    ["", "/tick"],
  ])("use the route %j", async (route, path) => {
    const { channel, event } = await start(undefined, { route });
    await event();
    expect(channel.seen.map((call) => call.path)).toEqual([path, path]);
  });
  it("log a component that cannot read, and do not fail", async () => {
    const { host } = await start(
      undefined,
      { direction: "input" },
      { listen: () => Promise.reject(new Error("no broker")) },
    );
    expect(host.lines).toMatchObject([
      { level: "error", message: "Cannot read from binding tick: no broker" },
    ]);
  });
  it("do not wait for a component that does not get through", async () => {
    const clock = fakeClock();
    const starting = start(
      undefined,
      { direction: "input" },
      { listen: () => new Promise(() => {}), deps: { clock } },
    );
    await clock.advance(10_000);
    await starting;
  });
  it("need a channel, and say so", async () => {
    const { host, told } = await start(undefined, { direction: "input" }, { channel: undefined });
    expect(told).toBeUndefined();
    expect(host.lines).toMatchObject([{ level: "warn" }]);
  });
});

describe("binding event", () => {
  const input = { direction: "input" };

  it("goes to the app as it is, metadata and token as headers", async () => {
    const { channel, event } = await start(undefined, input, { appToken: "secret" });
    await event({ data: '{"a": 1}', metadata: { timeZone: "Local", "X-Y": "ä\r\nb" } });
    expect(events(channel)).toEqual([
      {
        method: "POST",
        path: "/tick",
        body: '{"a": 1}',
        headers: {
          "content-type": "application/json",
          timezone: "Local",
          "x-y": "\u00c3\u00a4  b",
          "dapr-api-token": "secret",
        },
      },
    ]);
  });
  it("without data has no body", async () => {
    const { channel, event } = await start(undefined, input);
    await event({ metadata: {} });
    expect(events(channel)).toMatchObject([{ body: "" }]);
  });
  it("cannot set headers that are ours, of the connection, or no headers at all", async () => {
    const { channel, event } = await start(undefined, input, { appToken: "secret" });
    const metadata = {
      "Dapr-Api-Token": "x",
      Host: "h",
      "content-length": "9",
      "Content-Type": "t",
      "dapr-caller-app-id": "other",
      "a b": "1",
      "": "2",
    };
    await event({ data: "1", metadata });
    expect(events(channel)[0]?.headers).toEqual({
      "content-type": "application/json",
      "dapr-api-token": "secret",
    });
  });
  it("carries its trace on, where the app is traced", async () => {
    const metadata = {
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      tracestate: "k=v",
    };
    const traced = await start(undefined, input, { samplingRate: 1 });
    await traced.event({ data: "1", metadata });
    expect(events(traced.channel)[0]?.headers).toMatchObject({
      traceparent: expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-/),
      tracestate: "k=v",
    });
    const silent = await start(undefined, input);
    await silent.event({ data: "1", metadata });
    expect(events(silent.channel)[0]?.headers).toEqual({ "content-type": "application/json" });
  });
  it("gives the app's answer back to the component", async () => {
    const { event } = await start(() => ({ status: 201, body: "answer" }), input);
    expect(await event()).toEqual({ data: new TextEncoder().encode("answer"), metadata: {} });
    const quiet = await start(() => ({}), input);
    expect(await quiet.event()).toBeUndefined();
  });
  it.each([301, 404, 500])(
    "is rejected when the app answers %i, so that the component may repeat it",
    async (status) => {
      const { event, host } = await start(() => ({ status, body: "not now" }), input);
      await expect(event()).rejects.toMatchObject({
        kind: "rejected",
        message: `fails to send binding event to http app channel, status code: ${status} body: not now`,
      });
      expect(host.lines).toMatchObject([{ level: "warn" }]);
    },
  );
  it("is rejected when no answer comes", async () => {
    const { event } = await start(() => Promise.reject(new Error("connection refused")), input);
    await expect(event()).rejects.toMatchObject({
      kind: "unavailable",
      message: "error invoking app: connection refused",
    });
  });
  it("is not repeated because its answer is too large: reading stops, the app has it", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_048_576)),
      cancel: () => {
        cancelled = true;
      },
    });
    const { event } = await start(() => ({ body: endless }), input);
    expect(await event()).toBeUndefined();
    expect(cancelled).toBe(true);
  });
});

describe("input bindings, stop", () => {
  it("waits for events in flight, refuses new ones, also for a moment after, then tells the component", async () => {
    let finish = (): void => {};
    const held = new Promise<FakeAnswer>((resolve) => {
      finish = () => resolve({});
    });
    const { running, event, told, channel, clock } = await start(() => held, {
      direction: "input",
    });
    const first = event();
    await eventually(() => events(channel).length === 1);
    let stopped = false;
    const stopping = running.stop().then(() => {
      stopped = true;
    });
    await expect(event()).rejects.toThrow("is closed");
    expect([stopped, told?.aborted]).toEqual([false, false]);
    finish();
    await first;
    await clock.advance(399);
    await expect(event()).rejects.toThrow("input binding is closed");
    expect([stopped, told?.aborted]).toEqual([false, false]);
    await clock.advance(1);
    await stopping;
    expect(told?.aborted).toBe(true);
    expect(events(channel)).toHaveLength(1);
  });
  it("ends calls that take longer than 30 s", async () => {
    const { running, event, clock } = await start(() => new Promise(() => {}), {
      direction: "input",
    });
    const first = event().catch((reason: unknown) => reason);
    const stopping = running.stop();
    await clock.advance(30_000);
    await stopping;
    expect(await first).toMatchObject({ kind: "unavailable" });
    expect(clock.sleepers).toBe(0);
  });
  it("is also what the end of the app does", async () => {
    const ended = new AbortController();
    const { told } = await start(undefined, { direction: "input" }, { outer: ended.signal });
    ended.abort();
    expect(told?.aborted).toBe(true);
  });
});

describe("deliverEvent", () => {
  it("hands an event that a platform pushed to the app, on the binding's route", async () => {
    const { app, channel } = await start(() => ({ body: "ok" }), {
      direction: "input",
      route: "/on-tick",
    });
    expect(await deliverEvent(app, "tick", { metadata: { a: "1" } }, never)).toMatchObject({
      metadata: {},
    });
    expect(events(channel)).toMatchObject([{ path: "/on-tick", headers: { a: "1" } }]);
  });
  it("rejects for a binding that the app does not have, and for an app without a channel", async () => {
    const { app } = await start();
    await expect(deliverEvent(app, "other", { metadata: {} }, never)).rejects.toMatchObject({
      kind: "rejected",
    });
    const mute = await start(undefined, {}, { channel: undefined });
    await expect(deliverEvent(mute.app, "tick", { metadata: {} }, never)).rejects.toMatchObject({
      kind: "unavailable",
    });
  });
});
