import { describe, expect, it } from "vitest";
import { pubsub as memoryPubsub, state as memoryState } from "#components/in-memory/manifest.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import { defineComponent, type Manifest } from "#core/ports/manifest.ts";
import type { Documents } from "#core/hosting/reload/documents.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import { eventually } from "#test/support/eventually.ts";
import { type RecordingChannel, recordingChannel } from "#test/support/fake-app.ts";
import { type TestHost, testHost } from "#test/support/host.ts";

/** A store that shows how often it was opened and closed, waits when told to, and fails on request. */
function probe() {
  const seen = { opened: [] as string[], closed: [] as string[] };
  let gate: Promise<void> | undefined;
  const manifest: Manifest<"state"> = defineComponent({
    kind: "state",
    type: "state.probe",
    version: "v1",
    targets: ["node"],
    about: "For these tests.",
    options: {},
    open: async (spec, host) => {
      const mark = spec.metadata["mark"] ?? "";
      if (spec.metadata["fail"] !== undefined) throw new Error(spec.metadata["fail"]);
      seen.opened.push(mark);
      const store = await memoryState.open(spec, host);
      return {
        ...store,
        read: async (reads) => {
          await gate;
          if (seen.closed.includes(mark)) throw new Error("used after it was closed");
          return reads.map(() => ({ value: JSON.stringify(mark) }));
        },
        [Symbol.asyncDispose]: async () => void seen.closed.push(mark),
      };
    },
  });
  return { manifest, seen, hold: (until: Promise<void> | undefined): void => void (gate = until) };
}

const component = (
  name: string,
  type: string,
  metadata: object = {},
  rest: object = {},
): object => ({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name },
  spec: {
    type,
    version: "v1",
    metadata: Object.entries(metadata).map(([key, value]) => ({ name: key, value })),
  },
  ...rest,
});
const subscription = (topic: string, route: string): object => ({
  apiVersion: "dapr.io/v2alpha1",
  kind: "Subscription",
  metadata: { name: `sub-${topic}` },
  spec: { topic, pubsubname: "ps", routes: { default: route } },
});
function documents(
  of: readonly object[],
  configuration: object = {},
  unread: Documents["unread"] = [],
): Documents {
  const texts = of.map((each) => JSON.stringify(each));
  const parsed = texts.map((text, i) => parseDocuments(text, `${i}.yaml`));
  expect(parsed.flatMap(({ problems }) => problems.map(problemText))).toEqual([]);
  const config = parseDocuments(
    JSON.stringify({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { name: "c" },
      spec: configuration,
    }),
    "c.yaml",
  ).documents.filter((document) => document.kind === "Configuration");
  return {
    resources: parsed.flatMap(({ documents: found }) => [...found]),
    configuration: mergeConfigurations(config),
    unread,
  };
}

interface Setup extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly hosted: AppInstance;
  readonly channel: RecordingChannel;
  /** What was logged. */
  readonly entries: TestHost["entries"];
  get(
    path: string,
    init?: RequestInit,
  ): Promise<{ readonly status: number; readonly text: string }>;
  errors(): Promise<ReadonlyArray<Readonly<Record<string, string>>>>;
}
async function setUp(
  manifests: readonly Manifest[],
  first: Documents,
  answer: Parameters<typeof recordingChannel>[0] = ({ path }) => ({
    status: path.startsWith("/dapr/") ? 404 : 200,
  }),
): Promise<Setup> {
  const host = testHost();
  const runtime = createRuntime({
    platform: {
      clock: host.clock,
      log: host.log,
      fetch: () => Promise.reject(new Error("no network here")),
      env: {},
      host: { address: "10.0.0.1", name: "host" },
      binding: () => undefined,
      background: () => {},
    },
    target: "node",
    manifests: [memoryState, memoryPubsub, ...manifests],
  });
  const channel = recordingChannel(answer);
  const hosted = await runtime.addApp({
    appId: "a",
    namespace: "",
    channel,
    connection: { port: 1, protocol: "http", channelAddress: "127.0.0.1" },
    ...first,
    apiTokens: [],
    limits: { maxBodyBytes: 1 << 20 },
    extended: {},
    failOnComponentError: true,
    bindingProbeMs: 100,
    disableInitEndpoints: [],
    shutdown: () => {},
  });
  await hosted.start();
  const get: Setup["get"] = async (path, init) => {
    const response = await runtime.fetch(new Request(`http://localhost${path}`, init), {
      app: hosted.app,
    });
    return { status: response.status, text: await response.text() };
  };
  return {
    runtime,
    hosted,
    channel,
    entries: host.entries,
    get,
    errors: async () => {
      const { text } = await get("/v1.0/metadata");
      const { extended } = JSON.parse(text) as { extended: Record<string, string> };
      return JSON.parse(extended["outrigger.reload.errors"] ?? "[]") as never;
    },
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

describe("an update", () => {
  it("leaves what means the same alone, wherever it stands now", async () => {
    const { manifest, seen } = probe();
    await using app = await setUp(
      [manifest],
      documents([component("s", "state.probe", { mark: "1" })]),
    );
    const report = await app.hosted.update(
      documents([component("s", "state.probe", { mark: "1" })].reverse()),
    );
    expect(report).toEqual({ changed: false, faults: [] });
    await app.hosted.update(
      documents([
        component("new", "state.in-memory"),
        component("s", "state.probe", { mark: "1" }),
      ]),
    );
    expect(seen).toEqual({ opened: ["1"], closed: [] });
    expect((await app.get("/v1.0/state/new/k")).status).toBe(204);
  });
  it("says what came, went and changed", async () => {
    await using app = await setUp(
      [],
      documents([component("a", "state.in-memory"), component("b", "state.in-memory")]),
    );
    await app.hosted.update(
      documents([component("b", "state.in-memory", { x: "1" }), subscription("t", "/t")], {
        logging: { apiLogging: { enabled: true } },
      }),
    );
    expect(app.entries.map(({ message }) => message)).toContain(
      "Resources reloaded: Component a, Component b, Subscription sub-t, the Configuration",
    );
  });
  it("turns API logging on, and changes what it shows", async () => {
    const state = [component("s", "state.in-memory")];
    await using app = await setUp([], documents(state));
    const logged = async (apiLogging: object): Promise<readonly string[]> => {
      await app.hosted.update(documents(state, { logging: { apiLogging } }));
      const before = app.entries.length;
      await app.get("/v1.0/state/s/k");
      return app.entries
        .slice(before)
        .map(({ message, fields }) => `${message} ${String(fields?.["method"])}`);
    };
    expect(await logged({})).toEqual([]);
    expect(await logged({ enabled: true })).toEqual(["HTTP API Called GET /v1.0/state/s/k"]);
    expect(await logged({ enabled: true, obfuscateURLs: true })).toEqual([
      "HTTP API Called GetState",
    ]);
    expect(await logged({ enabled: false })).toEqual([]);
  });
  it("opens the new before the old is closed, which waits for its calls", async () => {
    const { manifest, seen, hold } = probe();
    await using app = await setUp(
      [manifest],
      documents([component("s", "state.probe", { mark: "1" })]),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    hold(promise);
    const early = app.get("/v1.0/state/s/k");
    await app.hosted.update(documents([component("s", "state.probe", { mark: "2" })]));
    hold(undefined);
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"2"');
    expect(seen).toEqual({ opened: ["1", "2"], closed: [] });
    resolve();
    expect(await early).toEqual({ status: 200, text: '"1"' });
    await eventually(() => seen.closed.join() === "1");
  });
  it("keeps a component whose change does not open, says so, and takes it over once it does", async () => {
    const { manifest, seen } = probe();
    await using app = await setUp(
      [manifest],
      documents([component("s", "state.probe", { mark: "1" })]),
    );
    const { faults } = await app.hosted.update(
      documents([component("s", "state.probe", { mark: "2", fail: "no such server" })]),
    );
    expect(faults).toMatchObject([{ kind: "Component", name: "s", reason: "no such server" }]);
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"1"');
    expect(await app.errors()).toMatchObject([{ name: "s", reason: "no such server" }]);
    await app.hosted.update(documents([component("s", "state.probe", { mark: "3" })]));
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"3"');
    expect(await app.errors()).toEqual([]);
    expect(seen.opened).toEqual(["1", "3"]);
  });
  it("adds and removes components; one that never was there is shown as failed", async () => {
    const { manifest, seen } = probe();
    await using app = await setUp([manifest], documents([]));
    await app.hosted.update(documents([component("s", "state.probe", { fail: "nothing" })]));
    const { text } = await app.get("/v1.0/metadata");
    const { components, extended } = JSON.parse(text) as {
      components?: unknown;
      extended: Record<string, string>;
    };
    expect(components).toBeUndefined();
    expect(JSON.parse(extended["outrigger.components.failed"] ?? "")).toMatchObject([
      { name: "s", reason: expect.stringContaining("nothing") },
    ]);
    await app.hosted.update(documents([component("s", "state.probe", { mark: "1" })]));
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"1"');
    await app.hosted.update(documents([]));
    expect((await app.get("/v1.0/state/s/k")).status).toBe(500);
    await eventually(() => seen.closed.join() === "1");
  });
  it("tries again what did not open, and asks the app for nothing before something has", async () => {
    const { manifest, seen } = probe();
    const host: { server?: string } = {};
    const moody = defineComponent({
      ...manifest,
      type: "state.moody",
      open: (spec, given) => {
        if (host.server !== "up") throw new Error(host.server ?? "no such server");
        return manifest.open(spec, given);
      },
    });
    const wanted = documents([
      component("ps", "pubsub.in-memory"),
      component("s", "state.moody", { mark: "1" }),
    ]);
    await using app = await setUp([moody], documents([component("ps", "pubsub.in-memory")]));
    await app.hosted.update(wanted);
    const asked = (): number => app.channel.seen.length;
    const before = asked();
    const failed = (): readonly string[] =>
      app.hosted.app.components.failed.map(({ reason }) => reason);
    expect(failed()).toMatchObject([expect.stringContaining("no such server")]);
    host.server = "it is starting";
    await app.hosted.update(wanted);
    expect(failed()).toMatchObject([expect.stringContaining("it is starting")]);
    expect(asked()).toBe(before);
    host.server = "up";
    expect(await app.hosted.update(wanted)).toEqual({ changed: false, faults: [] });
    expect(failed()).toEqual([]);
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"1"');
    expect(seen.opened).toEqual(["1"]);
    expect(asked()).toBeGreaterThan(before);
  });
  it("keeps an HTTPEndpoint whose secret is missing as it was; one that is new fails its own calls", async () => {
    const secrets = new Map<string, string>();
    const store = defineComponent({
      kind: "secretstores",
      type: "secretstores.probe",
      version: "v1",
      targets: ["node"],
      about: "For these tests.",
      options: {},
      open: async () => ({
        get: async (name) => {
          const value = secrets.get(name);
          return value === undefined ? undefined : { key: value };
        },
        bulkGet: async () => ({}),
        [Symbol.asyncDispose]: async () => {},
      }),
    });
    const vault = component("vault", "secretstores.probe");
    const endpoint = (name: string, secret: string): object => ({
      apiVersion: "dapr.io/v1alpha1",
      kind: "HTTPEndpoint",
      metadata: { name },
      auth: { secretStore: "vault" },
      spec: {
        baseUrl: "http://h",
        headers: [{ name: "key", secretKeyRef: { name: secret, key: "key" } }],
      },
    });
    secrets.set("a", "1");
    await using app = await setUp(
      [store],
      documents([vault, endpoint("old", "a"), endpoint("new", "b")]),
    );
    const headersOf = (name: string): readonly string[] | undefined =>
      app.hosted.app.policies.httpEndpoints.get(name)?.headers;
    expect(headersOf("old")).toEqual(["key", "1"]);
    // The others of the app were opened.
    const failing = await app.get("/v1.0/invoke/new/method/m");
    expect(failing).toMatchObject({ status: 500 });
    expect((JSON.parse(failing.text) as { message: string }).message).toContain(
      'secret "b" has no key "key"',
    );
    await app.hosted.update(documents([vault, endpoint("old", "c"), endpoint("new", "b")]));
    expect(headersOf("old")).toEqual(["key", "1"]);
    expect((await app.errors()).map(({ name }) => name)).toEqual(["old", "new"]);

    secrets.set("b", "2").set("c", "3");
    const wanted = documents([vault, endpoint("old", "c"), endpoint("new", "b")]);
    expect(await app.hosted.update(wanted)).toEqual({ changed: false, faults: [] });
    expect([headersOf("old"), headersOf("new")]).toEqual([
      ["key", "3"],
      ["key", "2"],
    ]);
    expect(await app.errors()).toEqual([]);
  });
  it("does not take a second actor state store, until the first is gone", async () => {
    const store = (name: string): object =>
      component(name, "state.in-memory", { actorStateStore: "true" });
    await using app = await setUp([], documents([store("first")]));
    const names = (): readonly string[] => app.hosted.app.components.loaded.map(({ name }) => name);
    await app.hosted.update(documents([store("another"), store("first")]));
    expect(names()).toEqual(["first"]);
    expect(app.hosted.app.components.failed.map(({ why }) => why)).toEqual([
      "first is already the actor state store, only one actor state store is allowed. The component will be applied if first is removed",
    ]);
    await app.hosted.update(documents([store("another")]));
    expect(names()).toEqual(["another"]);
    await expect(setUp([], documents([store("a"), store("b")]))).rejects.toThrow(
      "detected duplicate actor state store: a and b",
    );
  });
  it("takes a component away whose scopes or type the documents forbid now", async () => {
    const { manifest } = probe();
    const own = component("s", "state.probe", { mark: "1" });
    await using app = await setUp([manifest], documents([own]));
    await app.hosted.update(documents([{ ...own, scopes: ["other"] }]));
    expect((await app.get("/v1.0/state/s/k")).status).toBe(500);
    const again = component("s", "state.probe", { mark: "2" });
    await app.hosted.update(documents([again]));
    expect((await app.get("/v1.0/state/s/k")).status).toBe(200);
    await app.hosted.update(documents([again], { components: { deny: ["state.probe"] } }));
    expect((await app.get("/v1.0/state/s/k")).status).toBe(500);
  });
  it("keeps documents of files that cannot be read now", async () => {
    const { manifest, seen } = probe();
    await using app = await setUp(
      [manifest],
      documents([component("s", "state.probe", { mark: "1" })]),
    );
    await app.hosted.update(documents([], {}, [{ file: "0.yaml", why: "half written" }]));
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"1"');
    expect(await app.errors()).toMatchObject([{ file: "0.yaml", reason: "half written" }]);
    expect(seen.closed).toEqual([]);
    await app.hosted.update({ kept: "no Configuration" });
    expect(await app.errors()).toMatchObject([{ reason: "no Configuration" }]);
  });
  it("changes Configuration, HTTPEndpoints and Resiliency", async () => {
    await using app = await setUp([], documents([]));
    await app.hosted.update(
      documents(
        [
          {
            apiVersion: "dapr.io/v1alpha1",
            kind: "HTTPEndpoint",
            metadata: { name: "out" },
            spec: { baseUrl: "http://h" },
          },
          {
            apiVersion: "dapr.io/v1alpha1",
            kind: "Resiliency",
            metadata: { name: "r" },
            spec: {
              policies: { timeouts: { t: "1s" } },
              targets: { apps: { x: { timeout: "t" } } },
            },
          },
        ],
        { api: { denied: [{ name: "state", version: "v1", protocol: "http" }] } },
      ),
    );
    expect(JSON.parse((await app.get("/v1.0/metadata")).text)).toMatchObject({
      httpEndpoints: [{ name: "out" }],
      resiliencies: [{ name: "r" }],
    });
    expect(app.hosted.app.policies.resiliency?.namesApp("x")).toBe(true);
    expect((await app.get("/v1.0/state/s/k")).status).toBe(404);
  });
  it("keeps what breakers remember while their documents mean the same", async () => {
    const resiliency = {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Resiliency",
      metadata: { name: "r" },
      spec: { policies: { timeouts: { t: "1s" } }, targets: { apps: { x: { timeout: "t" } } } },
    };
    await using app = await setUp([], documents([resiliency]));
    const before = app.hosted.app.policies.resiliency;
    await app.hosted.update(documents([component("s", "state.in-memory"), resiliency]));
    expect(app.hosted.app.policies.resiliency).toBe(before);
  });
  it("of many that come at once puts the last into force", async () => {
    const { manifest } = probe();
    await using app = await setUp([manifest], documents([]));
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        app.hosted.update(documents([component("s", "state.probe", { mark: String(i) })])),
      ),
    );
    expect((await app.get("/v1.0/state/s/k")).text).toBe('"19"');
  });
});

describe("subscriptions and updates", () => {
  const broker = (mark: string): object =>
    component("ps", "pubsub.in-memory", { consumerID: `c${mark}` });
  it("start, move and end with their documents; others are not asked again", async () => {
    await using app = await setUp([], documents([broker("1"), subscription("a", "/a")]));
    const publish = (topic: string) =>
      app.get(`/v1.0/publish/ps/${topic}`, { method: "POST", body: "{}" });
    await publish("a");
    await eventually(() => app.channel.to("/a").length === 1);
    await app.hosted.update(
      documents([broker("1"), subscription("a", "/a2"), subscription("b", "/b")]),
    );
    await publish("a");
    await publish("b");
    await eventually(() => app.channel.to("/a2").length === 1 && app.channel.to("/b").length === 1);
    await app.hosted.update(documents([broker("1")]));
    await publish("b");
    const { text } = await app.get("/v1.0/metadata");
    expect(JSON.parse(text)).not.toHaveProperty("subscriptions");
    expect(app.channel.to("/b")).toHaveLength(1);
  });
  it("are listed as the documents say, though a message is still in hand; what has changed comes last", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using app = await setUp(
      [],
      documents([broker("1"), ...["a", "b", "c"].map((topic) => subscription(topic, `/${topic}`))]),
      async ({ path }) => {
        if (path === "/a") await held;
        return { status: path.startsWith("/dapr/") ? 404 : 200 };
      },
    );
    const listed = async (): Promise<string> => {
      const { text } = await app.get("/v1.0/metadata");
      const { subscriptions = [] } = JSON.parse(text) as {
        readonly subscriptions?: ReadonlyArray<{ readonly rules: ReadonlyArray<{ path: string }> }>;
      };
      return subscriptions.flatMap(({ rules }) => rules.map(({ path }) => path)).join();
    };
    await app.get("/v1.0/publish/ps/a", { method: "POST", body: "{}" });
    await eventually(() => app.channel.to("/a").length === 1);
    const changing = app.hosted.update(
      documents([
        broker("1"),
        subscription("a", "/a"),
        subscription("b", "/b2"),
        subscription("c", "/c"),
      ]),
    );
    await eventually(async () => (await listed()) === "/a,/c,/b2");
    const removing = app.hosted.update(documents([broker("1"), subscription("c", "/c")]));
    release();
    await Promise.all([changing, removing]);
    expect(await listed()).toBe("/c");
  });
  it("lose no message while the component is replaced again and again", async () => {
    const got = new Set<string>();
    await using app = await setUp(
      [],
      documents([broker("0"), subscription("a", "/a")]),
      ({ path, body }) => {
        if (path !== "/a") return { status: 404 };
        got.add((JSON.parse(body) as { data: { n: string } }).data.n);
        return { status: 200 };
      },
    );
    let sent = 0;
    for (let round = 1; round <= 50; round++) {
      // Other settings of the subscription itself: the broker stays the same one in memory.
      const updating = app.hosted.update(
        documents([
          broker("0"),
          { ...subscription("a", "/a"), scopes: round % 2 === 0 ? ["a"] : [] },
        ]),
      );
      for (let i = 0; i < 4; i++) {
        const n = String(sent++);
        const { status } = await app.get("/v1.0/publish/ps/a", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ n }),
        });
        expect(status).toBe(204);
      }
      await updating;
    }
    await eventually(() => got.size === sent, { what: "all messages" });
  });
});
