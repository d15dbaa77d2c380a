import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { describe, expect, it } from "vitest";
import { pubsub as memoryPubsub } from "#components/in-memory/manifest.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { Documents } from "#core/hosting/reload/documents.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { createRuntime } from "#core/hosting/runtime.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  type FakeAnswer,
  type RecordingChannel,
  recordingChannel,
} from "#test/support/fake-app.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { type TestLog, testLog } from "./support.ts";

const path = "/dapr/subscribe";
const refused = (): never => {
  throw new Error("connection refused");
};
const wants = (...topics: readonly string[]): FakeAnswer => ({
  body: topics.map((topic) => ({ pubsubname: "ps", topic, route: `/${topic}` })),
});
/** What one round of tries takes when nobody listens. */
const roundMs = 2250;

/** Documents with pub/sub components of these names. */
function brokers(...names: readonly string[]): Documents {
  const texts = names.map(
    (name) =>
      `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: ${name} }\nspec: { type: pubsub.in-memory, version: v1 }`,
  );
  return {
    resources: texts.flatMap((text, i) => parseDocuments(text, `${i}.yaml`).documents),
    configuration: mergeConfigurations([]),
    unread: [],
  };
}

interface Setup extends AsyncDisposable {
  readonly hosted: AppInstance;
  readonly channel: RecordingChannel;
  readonly clock: FakeClock;
  readonly log: TestLog;
  /** How often the app was asked. */
  readonly asked: number;
  readonly topics: readonly string[];
  readonly errors: readonly string[];
  /** From now on the app answers so when it is asked. */
  says(answer: () => FakeAnswer | Promise<FakeAnswer>): void;
  /** Waits for that while the tries of a round go by. */
  through(work: Promise<unknown>): Promise<void>;
  publish(topic: string): Promise<void>;
}
async function setUp(first: () => FakeAnswer | Promise<FakeAnswer>): Promise<Setup> {
  const clock = fakeClock();
  const log = testLog();
  const runtime = createRuntime({
    platform: {
      clock,
      log,
      fetch: () => Promise.reject(new Error("no network here")),
      env: {},
      host: { address: "10.0.0.1", name: "host" },
      binding: () => undefined,
      background: () => {},
    },
    target: "node",
    manifests: [memoryPubsub],
  });
  let answer = first;
  const channel = recordingChannel((call) => (call.path === path ? answer() : {}));
  const hosted = await runtime.addApp({
    appId: "a",
    namespace: "",
    channel,
    connection: { port: 1, protocol: "http", channelAddress: "127.0.0.1" },
    ...brokers("ps"),
    apiTokens: [],
    limits: { maxBodyBytes: 1 << 20 },
    extended: {},
    failOnComponentError: true,
    bindingProbeMs: 100,
    disableInitEndpoints: [],
    shutdown: () => {},
  });
  const through: Setup["through"] = async (work) => {
    let isDone = false;
    void work.finally(() => (isDone = true)).catch(() => {});
    for (let i = 0; i < 40 && !isDone; i++) await clock.advance(i === 0 ? 0 : roundMs / 3);
    await work;
  };
  await through(hosted.start());
  return {
    hosted,
    channel,
    clock,
    log,
    get asked() {
      return channel.to(path).length;
    },
    get topics() {
      return hosted.app.part(subscriptionViews).views.map(({ topic }) => topic);
    },
    get errors() {
      return log.lines.filter(([level]) => level === "error").map(([, text]) => text);
    },
    says: (next) => void (answer = next),
    through,
    publish: async (topic) => {
      const { status } = await runtime.fetch(
        new Request(`http://localhost/v1.0/publish/ps/${topic}`, { method: "POST", body: "{}" }),
        { app: hosted.app },
      );
      expect(status).toBe(204);
    },
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

describe("an app that cannot be asked for its subscriptions", () => {
  it.each([
    ["does not listen", refused],
    ["answers 503", () => ({ status: 503 })],
  ])("keeps those that it had while it %s", async (_, answer) => {
    await using app = await setUp(() => wants("t"));
    app.says(answer);
    await app.through(app.hosted.update(brokers("ps", "other")));
    expect(app.topics).toEqual(["t"]);
    await app.publish("t");
    await eventually(() => app.channel.to("/t").length === 1);
    app.says(() => wants("t", "u"));
    await app.clock.advance(5000);
    expect(app.topics).toEqual(["t", "u"]);
    await app.publish("t");
    await eventually(() => app.channel.to("/t").length === 2);
  });
  it("loses those whose component is gone, and has them again with it", async () => {
    await using app = await setUp(() => wants("t"));
    app.says(refused);
    await app.through(app.hosted.update(brokers("other")));
    expect(app.topics).toEqual([]);
    await app.through(app.hosted.update(brokers("ps")));
    expect(app.topics).toEqual(["t"]);
  });
  it("is asked again after 5 s, then ever later, at most a minute, until it can be", async () => {
    await using app = await setUp(() => ({ status: 500 }));
    expect([app.topics, app.asked]).toEqual([[], 1]);
    for (const [i, seconds] of [5, 10, 20, 40, 60, 60].entries()) {
      await app.clock.advance(seconds * 1000 - 1);
      expect(app.asked).toBe(i + 1);
      await app.clock.advance(1);
      expect(app.asked).toBe(i + 2);
    }
    app.says(() => wants("t"));
    await app.clock.advance(60_000);
    expect([app.topics, app.asked]).toEqual([["t"], 8]);
    await app.clock.advance(600_000);
    expect(app.asked).toBe(8);
    // The next time begins anew.
    app.says(() => ({ status: 500 }));
    await app.hosted.update(brokers("ps", "other"));
    await app.clock.advance(5000);
    expect(app.asked).toBe(10);
  });
  it("is an error in the log once for each reason", async () => {
    await using app = await setUp(refused);
    await app.clock.advance(60_000);
    expect(app.errors).toEqual([expect.stringContaining("connection refused")]);
    expect(app.log.lines).toContainEqual(["debug", app.errors[0]]);
    app.says(() => ({ status: 500 }));
    await app.clock.advance(120_000);
    expect(app.errors).toEqual([
      expect.stringContaining("connection refused"),
      expect.stringContaining("it answered 500"),
    ]);
  });
  it("is not asked again once a change of documents has asked, or nothing is left to ask for", async () => {
    await using app = await setUp(refused);
    app.says(() => wants("t"));
    await app.hosted.update(brokers("ps", "other"));
    expect([app.topics, app.asked]).toEqual([["t"], 5]);
    await app.clock.advance(600_000);
    expect(app.asked).toBe(5);
    app.says(() => ({ status: 500 }));
    await app.hosted.update(brokers("ps"));
    await app.hosted.update(brokers());
    await app.clock.advance(600_000);
    expect(app.asked).toBe(6);
  });
  it("is not asked once it stops, whether it waits or hangs", async () => {
    for (const waitMs of [0, 5000]) {
      const app = await setUp(() => ({ status: 500 }));
      app.says(() => new Promise(() => {}));
      await app.clock.advance(waitMs);
      expect(app.asked).toBe(waitMs === 0 ? 1 : 2);
      const errors = app.errors.length;
      // No time passes, and nothing is left that waits for it.
      await app.hosted.stop();
      await app[Symbol.asyncDispose]();
      expect(app.clock.sleepers).toBe(0);
      expect(app.errors.length).toBe(errors);
    }
  });
  it("does not hold up the end of a reload while it stops", async () => {
    const app = await setUp(() => wants("t"));
    app.says(() => new Promise(() => {}));
    const updating = app.hosted.update(brokers("ps", "other"));
    await eventually(() => app.asked === 2);
    await app[Symbol.asyncDispose]();
    await updating;
    expect(app.errors).toEqual([]);
  });
  it("lets a change of documents go first when it hangs as it is asked again", async () => {
    await using app = await setUp(() => ({ status: 500 }));
    app.says(() => new Promise(() => {}));
    await app.clock.advance(5000);
    expect(app.asked).toBe(2);
    app.says(() => wants("t"));
    await app.hosted.update(brokers("ps", "other"));
    expect([app.topics, app.asked]).toEqual([["t"], 3]);
  });
});

describe("an app that has no subscriptions", () => {
  it.each([
    ["404", { status: 404 }, 0],
    ["nothing", { body: "" }, 0],
    ["what is not a list", { body: {} }, 1],
  ])("says so with %s: those it had end, and it is not asked again", async (_, answer, errors) => {
    await using app = await setUp(() => wants("t"));
    app.says(() => answer as FakeAnswer);
    await app.hosted.update(brokers("ps", "other"));
    expect([app.topics, app.asked, app.errors.length]).toEqual([[], 2, errors]);
    await app.clock.advance(600_000);
    expect(app.asked).toBe(2);
  });
});
