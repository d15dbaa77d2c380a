import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EventSubject } from "#k8s/api/event-object.ts";
import { createEventWriter, type EventWriter } from "#k8s/api/events.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { logKeeper } from "./support.ts";

interface Written extends KubeObject {
  readonly involvedObject: EventSubject;
  readonly message: string;
  readonly count: number;
  readonly lastTimestamp: string;
}
const component = (name: string): EventSubject => ({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  namespace: "shop",
  name,
  uid: `uid-${name}`,
});

let api: KubeApiDouble;
let client: KubeClient;
let clock: FakeClock;
let log: ReturnType<typeof logKeeper>;
let events: EventWriter;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  clock = fakeClock();
  log = logKeeper();
  events = createEventWriter(client, { component: "outrigger-node", instance: "n1", log, clock });
});
afterEach(async () => {
  await events[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});
const written = (): readonly Written[] => api.list<Written>("/api/v1/events");
const writes = (): number => api.requests.filter(({ status }) => status !== undefined).length;

describe("events", () => {
  it("one is written, as Kubernetes wants it", async () => {
    events.emit(component("pubsub"), "Warning", "InitFailed", "no such secret");
    const [event] = await eventually(() => written().length === 1 && written());
    expect(event).toMatchObject({
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        namespace: "shop",
        name: expect.stringMatching(/^pubsub\.[0-9a-f]{16}$/) as string,
      },
      involvedObject: component("pubsub"),
      type: "Warning",
      reason: "InitFailed",
      message: "no such secret",
      count: 1,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "outrigger-node", host: "n1" },
      reportingComponent: "outrigger-node",
      reportingInstance: "n1",
    });
  });
  it("a repeated one counts up, at most every 30 s", async () => {
    events.emit(component("pubsub"), "Warning", "InitFailed", "try 1");
    await eventually(() => written().length === 1);
    for (let i = 2; i <= 500; i++) {
      await clock.advance(100);
      events.emit(component("pubsub"), "Warning", "InitFailed", `try ${i}`);
    }
    await eventually(() => writes() === 2);
    await clock.advance(30_000);
    await eventually(() => written()[0]?.count === 500);
    expect(written()).toHaveLength(1);
    expect(written()[0]).toMatchObject({
      message: "try 500",
      lastTimestamp: "2026-01-01T00:00:49Z",
    });
    expect(writes()).toBeLessThanOrEqual(3);
  });
  it("another object, type or reason is another one; an object of the cluster has its own in `default`", async () => {
    events.emit(component("a"), "Warning", "InitFailed", "m");
    events.emit(component("b"), "Warning", "InitFailed", "m");
    events.emit(component("a"), "Normal", "InitFailed", "m");
    events.emit(component("a"), "Warning", "Other", "m");
    events.emit({ apiVersion: "v1", kind: "Node", name: "n1" }, "Normal", "Ready", "m");
    await eventually(() => written().length === 5);
    expect(api.list("/api/v1/namespaces/default/events")).toHaveLength(1);
  });
  it("one that Kubernetes has forgotten is made anew", async () => {
    events.emit(component("a"), "Warning", "InitFailed", "m");
    const [first] = await eventually(() => written().length === 1 && written());
    api.remove(`/api/v1/namespaces/shop/events/${first?.metadata.name}`);
    await clock.advance(30_000);
    events.emit(component("a"), "Warning", "InitFailed", "m");
    await eventually(() => written().length === 1 && written()[0]?.count === 2);
    await clock.advance(3_700_000);
    events.emit(component("a"), "Warning", "InitFailed", "m");
    await eventually(() => written().length === 2);
    expect(
      written()
        .map(({ count }) => count)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 2]);
  });
  it("a flood of different ones is written slowly, and none is lost before a thousand", async () => {
    for (let i = 0; i < 1500; i++) events.emit(component(`c${i}`), "Warning", "InitFailed", "m");
    // One was on its way already.
    await eventually(() => written().length === 20);
    await clock.advance(5000);
    await eventually(() => written().length === 25);
    expect(log.lines.filter((line) => line.startsWith("debug: Too many"))).toHaveLength(499);
  });
  it("problems that go on and on leave room for a new one, and each gets its turn", async () => {
    const repeat = (): void => {
      for (let i = 0; i < 60; i++) events.emit(component(`c${i}`), "Warning", "InitFailed", "m");
    };
    const counts = (): readonly number[] => written().map(({ count }) => count);
    for (let second = 0; second < 100; second++) {
      repeat();
      await clock.advance(1000);
      await eventually(() => api.requests.every(({ status }) => status !== undefined));
    }
    events.emit(component("new"), "Warning", "InitFailed", "m");
    await clock.advance(1000);
    await eventually(() => written().some(({ involvedObject }) => involvedObject.name === "new"));
    for (let second = 0; second < 65; second++) {
      repeat();
      await clock.advance(1000);
      await eventually(() => api.requests.every(({ status }) => status !== undefined));
    }
    // Of 60 with one write a second none was left out for longer than a minute.
    expect(counts().filter((count) => count > 1 && count < 90)).toEqual([]);
  });
  it("a clock that is set back by an hour keeps none of them back", async () => {
    let back = 0;
    await using late = createEventWriter(client, {
      component: "c",
      instance: "n",
      log,
      clock: { ...clock, now: () => clock.now() - back },
    });
    for (let i = 0; i < 30; i++) late.emit(component(`c${i}`), "Warning", "InitFailed", "m");
    await eventually(() => written().length === 20);
    back = 3_600_000;
    late.emit(component("c0"), "Warning", "InitFailed", "m");
    for (let second = 0; second < 10; second++) {
      await clock.advance(1000);
      await eventually(() => written().length === Math.min(21 + second, 30));
    }
    await clock.advance(30_000);
    await eventually(() => written().some(({ count }) => count === 2));
  });
  it("a failure is logged, hurts nobody, and the next repetition is written", async () => {
    api.fail({ verb: "create", status: 403, reason: "Forbidden" });
    events.emit(component("a"), "Warning", "InitFailed", "m");
    await eventually(() => log.lines.length === 1);
    expect(log.lines[0]).toMatch(
      /^warn: Could not write the Event InitFailed of Component a: .*403/,
    );
    await clock.advance(30_000);
    events.emit(component("a"), "Warning", "InitFailed", "m");
    await eventually(() => written()[0]?.count === 2);
  });
  it("texts that are too long, and odd names, are made to fit", async () => {
    const name = `system:node:N1/${"x".repeat(300)}`;
    events.emit({ apiVersion: "v1", kind: "X", name }, "Normal", "r".repeat(200), "ü".repeat(2000));
    const [event] = await eventually(() => written().length === 1 && written());
    expect(event?.metadata.name).toMatch(/^[a-z0-9.-]{1,253}$/);
    expect(Buffer.byteLength(event?.message ?? "")).toBeLessThanOrEqual(1024);
    expect(event?.message).toMatch(/ü\.\.\.$/);
  });
  it("when disposed of, writes what is due; a server that hangs does not hold it up", async () => {
    events.emit(component("a"), "Normal", "Ready", "m");
    events.emit(component("b"), "Normal", "Ready", "m");
    await events[Symbol.asyncDispose]();
    expect(written()).toHaveLength(2);
    const late = createEventWriter(client, { component: "c", instance: "n", log, clock });
    api.fail({ verb: "create", hang: true });
    late.emit(component("c"), "Normal", "Ready", "m");
    await eventually(() => api.requests.length === 3);
    const closing = late[Symbol.asyncDispose]();
    await clock.advance(3000);
    await closing;
  });
});
