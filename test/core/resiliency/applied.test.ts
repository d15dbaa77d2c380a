import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import { pubsub as memoryPubsub, state as memoryState } from "#components/in-memory/manifest.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import { defineComponent, type Manifest } from "#core/ports/manifest.ts";
import type { PubSub } from "#core/ports/pub-sub.ts";
import { guardPort } from "#core/resiliency/guard-port.ts";
import { createResiliency, type Resiliency } from "#core/resiliency/policies.ts";
import { createRetry } from "#core/resiliency/retry.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { createRuntime } from "#core/hosting/runtime.ts";
import { eventually } from "#test/support/eventually.ts";
import { type FakeAnswer, fakeApp, recordingChannel } from "#test/support/fake-app.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { api, silent } from "../api.ts";

const policies = {
  retries: {
    two: { policy: "constant", duration: "10ms", maxRetries: 2 },
    five00: {
      policy: "constant",
      duration: "10ms",
      maxRetries: 2,
      matching: { httpStatusCodes: "500-599" },
    },
  },
  timeouts: { short: "100ms" },
  circuitBreakers: { cb: { trip: "consecutiveFailures > 1", timeout: "1h" } },
};
const documentText = (targets: object, retries: object = {}): string =>
  JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Resiliency",
    metadata: { name: "r" },
    spec: { policies: { ...policies, retries: { ...policies.retries, ...retries } }, targets },
  });
function resiliencyOf(targets: object, clock: FakeClock, retries: object = {}): Resiliency {
  const documents = parseDocuments(documentText(targets, retries), "r.yaml").documents.filter(
    (document) => document.kind === "Resiliency",
  );
  return createResiliency(documents, { clock, log: silent, namespace: "", meter: undefined });
}

describe("an invocation under policies", () => {
  function setUp(
    target: object,
    answers: ReadonlyArray<FakeAnswer | Error>,
    app: FakeAppOptions = {},
  ) {
    const clock = fakeClock();
    let at = 0;
    const channel = recordingChannel(async () => {
      const answer = answers[Math.min(at++, answers.length - 1)] as FakeAnswer | Error;
      if (answer instanceof Error) throw answer;
      return answer;
    });
    const callee = fakeApp({ appId: "cart", channel });
    const resiliency = resiliencyOf({ apps: { cart: target } }, clock);
    const call = api(fakeApp({ appId: "shop", resiliency, ...app }), [], { find: () => callee });
    return { channel, clock, call };
  }
  const down = { status: 503, headers: ["content-type", "text/plain"], body: "down" };

  it("is made again after an answer that is not a success, the body too", async () => {
    const { call, channel, clock } = setUp({ retry: "two" }, [down, new Error("reset"), {}]);
    const done = call("/v1.0/invoke/cart/method/add", { method: "POST", body: "hello" });
    await clock.advance(20);
    expect((await done).status).toBe(200);
    expect(channel.seen.map(({ body }) => body)).toEqual(["hello", "hello", "hello"]);
  });
  it("gives the app's last answer as it is when no try succeeds", async () => {
    const { call, clock, channel } = setUp({ retry: "two" }, [down]);
    const done = call("/v1.0/invoke/cart/method/add");
    await clock.advance(20);
    const answer = await done;
    expect([answer.status, answer.text, answer.headers.get("content-type")]).toEqual([
      503,
      "down",
      "text/plain",
    ]);
    expect(channel.seen).toHaveLength(3);
  });
  it("is not made again for a status that does not match", async () => {
    const { call, channel } = setUp({ retry: "five00" }, [{ status: 404, body: "no" }]);
    expect((await call("/v1.0/invoke/cart/method/add")).status).toBe(404);
    expect(channel.seen).toHaveLength(1);
  });
  it.each([200, 204, 304, 399])("answers %d at once", async (status) => {
    const { call, channel } = setUp({ retry: "two" }, [{ status }]);
    expect((await call("/v1.0/invoke/cart/method/add")).status).toBe(status);
    expect(channel.seen).toHaveLength(1);
  });
  it("ends when its time is over", async () => {
    const clock = fakeClock();
    const channel = recordingChannel(() => new Promise(() => {}));
    const resiliency = resiliencyOf({ apps: { cart: { timeout: "short" } } }, clock);
    const call = api(fakeApp({ appId: "shop", resiliency }), [], {
      find: () => fakeApp({ appId: "cart", channel }),
    });
    const done = call("/v1.0/invoke/cart/method/add");
    await clock.advance(100);
    const answer = await done;
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({
      errorCode: "ERR_DIRECT_INVOKE",
      message: "failed to invoke, id: cart, err: context deadline exceeded",
    });
  });
  it("is refused while the breaker of its method is open, other methods are not", async () => {
    const { call, channel } = setUp({ circuitBreaker: "cb" }, [down]);
    for (let i = 0; i < 2; i++) await call("/v1.0/invoke/cart/method/add");
    const refused = await call("/v1.0/invoke/cart/method/add");
    expect(refused.status).toBe(500);
    expect(refused.json["message"]).toContain("circuit breaker is open");
    expect((await call("/v1.0/invoke/cart/method/other")).status).toBe(503);
    expect(channel.seen).toHaveLength(3);
  });
  it("of a body that streams is made once, and its answer is the app's", async () => {
    const { channel, clock } = setUp({ retry: "two" }, [down]);
    const resiliency = resiliencyOf({ apps: { cart: { retry: "two" } } }, clock);
    const callee = fakeApp({ appId: "cart", channel });
    const { createInvoke } = await import("#core/blocks/invoke/operations.ts");
    const platform = { clock, log: silent, host: { address: "a", name: "n" } } as never;
    const invoke = createInvoke({ platform, find: () => callee });
    const answer = await invoke.run(
      {
        app: fakeApp({ resiliency }),
        metadata: {},
        trace: undefined,
        signal: new AbortController().signal,
      },
      {
        id: "cart",
        method: "add",
        verb: "POST",
        query: "",
        headers: [],
        body: new Response("hello").body as ReadableStream<Uint8Array>,
      },
    );
    expect(answer.status).toBe(503);
    expect(channel.seen).toHaveLength(1);
  });
  it("of an HTTPEndpoint goes by the endpoint's name", async () => {
    const clock = fakeClock();
    let calls = 0;
    const resiliency = resiliencyOf({ apps: { out: { retry: "two" } } }, clock);
    const httpEndpoints = new Map([["out", { name: "out", baseUrl: "http://h", headers: [] }]]);
    const call = api(fakeApp({ resiliency, httpEndpoints }), [], {
      fetch: async () => {
        calls++;
        if (calls < 3) throw new Error("refused");
        return new Response("ok");
      },
    });
    const done = call("/v1.0/invoke/out/method/x");
    await clock.advance(20);
    expect((await done).status).toBe(200);
    expect(calls).toBe(3);
  });
});

describe("a port under a policy", () => {
  const retry = (clock: FakeClock) =>
    createRetry({
      policy: "constant",
      durationMs: 10,
      maxIntervalMs: 10,
      maxRetries: 2,
      nameOf: () => "test",
      clock,
      log: silent,
    });
  const free = { signal: new AbortController().signal };
  it("publishes only what the broker has not taken yet", async () => {
    const clock = fakeClock();
    const sent: string[][] = [];
    let left = 2;
    const port: PubSub = {
      features: [],
      publish: async (_topic, messages, _options) => {
        sent.push(messages.map(({ data }) => String(data)));
        left--;
        return messages.map(({ data }) => (left > 0 && data === "b" ? new Error("b") : undefined));
      },
      [Symbol.asyncDispose]: async () => {},
    };
    const messages = ["a", "b", "c"].map((data) => ({ data, metadata: {} }));
    const done = guardPort("pubsub", port, retry(clock)).publish("t", messages, free);
    await clock.advance(10);
    expect(await done).toEqual([undefined, undefined, undefined]);
    expect(sent).toEqual([["a", "b", "c"], ["b"]]);
  });
  it.each([true, false])(
    "says which messages failed for good (as a rejection: %s)",
    async (throws) => {
      const clock = fakeClock();
      const port: PubSub = {
        features: [],
        publish: async (_topic, messages, _options) => {
          if (throws) throw new Error("gone");
          return messages.map(({ data }) => (data === "b" ? new Error("bad b") : undefined));
        },
        [Symbol.asyncDispose]: async () => {},
      };
      const messages = ["a", "b"].map((data) => ({ data, metadata: {} }));
      const done = guardPort("pubsub", port, retry(clock)).publish("t", messages, free);
      await clock.advance(100);
      expect((await done).map((each) => each?.message)).toEqual(
        throws ? ["gone", "gone"] : [undefined, "bad b"],
      );
    },
  );
  describe.each([
    ["over gRPC", { gRPCStatusCodes: "14" }, {}, { 14: 3, 9: 1 }],
    ["over HTTP", { httpStatusCodes: "503" }, { wire: "http" as const }, { 14: 3, 9: 1 }],
    [
      "over HTTP, by the other protocol's",
      { gRPCStatusCodes: "14" },
      { wire: "http" as const },
      { 9: 3 },
    ],
  ])("compares statuses of a broker in another process, %s", (_, matching, wire, wanted) => {
    it.each(Object.entries(wanted))("status %s is tried %i times", async (status, times) => {
      const clock = fakeClock();
      const failure = new ComponentError("rejected", "no", { status: Number(status) });
      let tries = 0;
      const port: PubSub = {
        features: [],
        publish: async () => {
          tries++;
          return [failure];
        },
        [Symbol.asyncDispose]: async () => {},
      };
      const target = { ps: { outbound: { retry: "matched" } } };
      const retries = {
        matched: { policy: "constant", duration: "10ms", maxRetries: 2, matching },
      };
      const guard = resiliencyOf({ components: target }, clock, retries).component(
        "ps",
        "pubsub",
        "outbound",
      );
      if (!guard) throw new Error("no policy");
      const done = guardPort("pubsub", port, guard).publish("t", [{ data: "1", metadata: {} }], {
        ...free,
        ...wire,
      });
      await clock.advance(100);
      expect(await done).toEqual([failure]);
      expect(tries).toBe(times);
    });
  });
  it("tries other components again whatever their status, as Dapr does", async () => {
    const clock = fakeClock();
    const guard = resiliencyOf(
      { components: { store: { outbound: { retry: "five00" } } } },
      clock,
    ).component("store", "state", "outbound");
    let tries = 0;
    const done = guard?.(async () => {
      tries++;
      throw new ComponentError("rejected", "no", { status: 404 });
    }, free).catch(() => {});
    await clock.advance(100);
    await done;
    expect(tries).toBe(3);
  });
  it("keeps what the port can do, and does not retry a lost write race", async () => {
    const clock = fakeClock();
    let writes = 0;
    const memory = await memoryState.open({ name: "s", namespace: "", metadata: {} }, {
      clock,
      log: silent,
    } as never);
    const port = {
      ...memory,
      write: async (_op: unknown, _options: unknown): Promise<void> => {
        writes++;
        throw new ComponentError("etag-mismatch", "lost");
      },
    };
    const guarded = guardPort("state", port, retry(clock));
    expect(guarded.features).toEqual(port.features);
    expect("transact" in guarded).toBe("transact" in port);
    expect("query" in guarded).toBe("query" in port);
    await expect(guarded.write({ op: "delete", key: "k", metadata: {} }, free)).rejects.toThrow(
      "lost",
    );
    expect(writes).toBe(1);
  });
});

describe("a runtime with a Resiliency document", () => {
  it("puts policies before the components and the app's deliveries that they name, and nothing else", async () => {
    let failures = 2;
    const shaky: Manifest<"state"> = defineComponent({
      kind: "state",
      type: "state.shaky",
      version: "v1",
      targets: ["node"],
      about: "For these tests.",
      options: {},
      open: async (spec, host) => {
        const store = await memoryState.open(spec, host);
        return {
          ...store,
          read: async (reads, options) => {
            if (failures-- > 0) throw new Error("shaky");
            return store.read(reads, options);
          },
        };
      },
    });
    const clock = fakeClock();
    const texts = [
      ["good", "state.shaky"],
      ["bare", "state.shaky"],
      ["ps", "pubsub.in-memory"],
    ].map(([name, type]) =>
      JSON.stringify({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Component",
        metadata: { name },
        spec: { type, version: "v1" },
      }),
    );
    texts.push(
      documentText({
        components: { good: { outbound: { retry: "two" } }, ps: { inbound: { retry: "two" } } },
      }),
      JSON.stringify({
        apiVersion: "dapr.io/v2alpha1",
        kind: "Subscription",
        metadata: { name: "sub" },
        spec: {
          topic: "t",
          pubsubname: "ps",
          routes: { default: "/t" },
          deadLetterTopic: "dead",
        },
      }),
    );
    await using runtime = createRuntime({
      platform: {
        clock,
        log: silent,
        fetch: () => Promise.reject(new Error("no network here")),
        env: {},
        host: { address: "10.0.0.1", name: "host" },
        binding: () => undefined,
        background: () => {},
      },
      target: "node",
      manifests: [memoryState, memoryPubsub, shaky],
    });
    let delivered = 0;
    const channel = recordingChannel(({ path }) => {
      if (path !== "/t") return { status: 404 };
      delivered++;
      return { status: delivered < 3 ? 500 : 200 };
    });
    const hosted = await runtime.addApp({
      appId: "a",
      namespace: "",
      channel,
      connection: { port: 1, protocol: "http", channelAddress: "127.0.0.1" },
      resources: texts.flatMap((text, i) => [...parseDocuments(text, `${i}.yaml`).documents]),
      configuration: mergeConfigurations([]),
      apiTokens: [],
      limits: { maxBodyBytes: 1 << 20 },
      extended: {},
      failOnComponentError: true,
      bindingProbeMs: 100,
      disableInitEndpoints: [],
      shutdown: () => {},
    });
    const { app } = hosted;
    const get = (path: string, init?: RequestInit): Promise<Response> =>
      Promise.resolve(runtime.fetch(new Request(`http://localhost${path}`, init), { app }));
    const good = get("/v1.0/state/good/k");
    await clock.advance(20);
    expect((await good).status).toBe(204);
    failures = 1;
    expect((await get("/v1.0/state/bare/k")).status).toBe(500);

    const starting = hosted.start();
    await clock.advance(5000);
    await starting;
    expect((await get("/v1.0/publish/ps/t", { method: "POST", body: "{}" })).status).toBe(204);
    await eventually(async () => {
      await clock.advance(10);
      return delivered === 3;
    });
  });
});
