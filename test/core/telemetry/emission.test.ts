import { subscribed } from "#test/support/fake-app.ts";
import { getState } from "#core/blocks/state/operations.ts";
import { plainOperation } from "#test/support/plain-operation.ts";
import { describe, expect, test } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { deliverEvent } from "#core/blocks/bindings/deliver.ts";
import { configurationHttp } from "#core/blocks/configuration/http.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import { compose, type Operation } from "#core/kernel/operation.ts";
import type { ConfigurationStore } from "#core/ports/configuration-store.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { startSubscriptions } from "#core/blocks/pubsub/consume.ts";
import { deliverTo } from "#core/blocks/pubsub/deliver-to.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { categoryOf } from "#core/telemetry/error-codes.ts";
import { measuredOperations } from "#core/gate/measured-operations.ts";
import { silent } from "#test/core/api.ts";
import { testPubSub } from "#test/core/blocks/pubsub/support.ts";
import { eventually } from "#test/support/eventually.ts";
import { type FakeAnswer, fakeApp, recordingChannel } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { appMetrics, samplesOf, shown } from "./support.ts";

const never = { signal: new AbortController().signal };
const dispose = { [Symbol.asyncDispose]: async () => {} };

describe("messages that come in", () => {
  const expired = JSON.stringify({ id: "1", expiration: "2001-01-01T00:00:00Z", data: 1 });
  const rows: ReadonlyArray<
    readonly [
      what: string,
      answer: FakeAnswer,
      event: string,
      process: string,
      status: string,
      routes?: DeclaredSubscription["routes"],
    ]
  > = [
    ["an empty answer", {}, "{}", "success", "success"],
    ["SUCCESS", { body: { status: "SUCCESS" } }, "{}", "success", "success"],
    ["RETRY", { body: { status: "RETRY" } }, "{}", "retry", "retry"],
    ["DROP", { body: { status: "DROP" } }, "{}", "drop", "success"],
    ["an unknown status", { body: { status: "LATER" } }, "{}", "retry", "retry"],
    ["404", { status: 404 }, "{}", "drop", "drop"],
    ["500", { status: 500 }, "{}", "retry", "retry"],
    ["an expired event", {}, expired, "drop", "drop"],
    [
      "an event that no route takes",
      {},
      '{"type":"y"}',
      "drop",
      "success",
      { rules: [{ match: 'event.type == "x"', path: "/x" }] },
    ],
  ];
  for (const [what, answer, event, process_status, status, routes] of rows)
    test(`${what} counts as ${process_status} with status ${status}`, async () => {
      const { app, metrics } = await withSubscription(answer, routes ? { routes } : {});
      await push(app, [event]);
      const labels = {
        component: "ps",
        namespace: "shop",
        process_status,
        status,
        topic: "orders",
      };
      const read = shown(metrics);
      expect(samplesOf(read, "dapr_component_pubsub_ingress_count")).toEqual([[labels, 1]]);
      expect(samplesOf(read, "dapr_component_pubsub_ingress_latencies")).toEqual([[labels, 1]]);
    });

  test("a batch counts once, and each of its messages by what becomes of it", async () => {
    const { app, metrics } = await withSubscription(
      (body) => {
        const { entries } = JSON.parse(body) as { entries: Array<{ entryId: string }> };
        const words = ["SUCCESS", "DROP", "RETRY"];
        const statuses = entries.map(({ entryId }, i) => ({ entryId, status: words[i] }));
        return { body: { statuses } };
      },
      { bulkSubscribe: { enabled: true, maxMessagesCount: 10, maxAwaitDurationMs: 10 } },
    );
    await push(app, ["{}", "{}", "{}", expired]);
    const read = shown(metrics);
    const at = (process_status: string) => ({
      component: "ps",
      namespace: "shop",
      process_status,
      topic: "orders",
    });
    expect(samplesOf(read, "dapr_component_pubsub_ingress_bulk_count")).toEqual([[at(""), 1]]);
    expect(samplesOf(read, "dapr_component_pubsub_ingress_bulk_latencies")).toEqual([[at(""), 1]]);
    expect(samplesOf(read, "dapr_component_pubsub_ingress_bulk_event_count")).toEqual([
      [at("success"), 1],
      [at("drop"), 2],
      [at("retry"), 1],
    ]);
    expect(read.has("dapr_component_pubsub_ingress_count")).toBe(false);
  });

  async function withSubscription(
    answer: FakeAnswer | ((body: string) => FakeAnswer),
    declared: Partial<DeclaredSubscription>,
  ) {
    const metrics = appMetrics();
    const channel = recordingChannel(({ body }) =>
      typeof answer === "function" ? answer(body) : answer,
    );
    const port = testPubSub({ pulls: false });
    const app = fakeApp({
      namespace: "shop",
      channel,
      metrics,
      components: [{ kind: "pubsub", name: "ps", port }],
    });
    const wanted = {
      name: "sub",
      pubsubname: "ps",
      topic: "orders",
      routes: { rules: [], default: "/orders" },
      metadata: {},
      ...declared,
    };
    const { views } = await startSubscriptions(
      app,
      [wanted],
      { clock: fakeClock(), log: silent, programmatic: false },
      never,
    );
    return { app: subscribed(app, views), metrics };
  }
  const push = (app: App, events: readonly string[]) =>
    deliverTo(
      app,
      { component: "ps", topic: "orders" },
      events.map((data) => ({ data, metadata: {} })),
      never,
    );
});

describe("events of input bindings", () => {
  for (const [status, success] of [
    [200, "true"],
    [500, "false"],
  ] as const)
    test(`an app that answers ${status} counts as success ${success}`, async () => {
      const metrics = appMetrics();
      const app = fakeApp({
        namespace: "shop",
        metrics,
        channel: recordingChannel(() => ({ status })),
        components: [
          { kind: "bindings.input", name: "tick", port: { ...dispose, listen: async () => {} } },
        ],
      });
      await deliverEvent(app, "tick", { metadata: {} }, never).catch(() => {});
      const labels = { component: "tick", namespace: "shop", success };
      await eventually(() => shown(metrics).has("dapr_component_input_binding_count"));
      expect(samplesOf(shown(metrics), "dapr_component_input_binding_count")).toEqual([
        [labels, 1],
      ]);
    });
});

describe("operations", () => {
  const failing = (): Promise<never> =>
    Promise.reject(new ComponentError("unavailable", "it is down"));
  const store: StateStore = {
    ...dispose,
    features: [],
    read: async () => [undefined],
    write: failing,
  };
  const watched: ConfigurationStore = {
    ...dispose,
    get: async () => ({}),
    watch: async () => {},
  };
  const none: Operation<undefined, void> = plainOperation("none.none", async () => {});
  const surface = createHttp(
    compose([measuredOperations]),
    [
      stateHttp,
      configurationHttp,
      (routes) =>
        routes.fallback(
          none,
          () => undefined,
          () => ({ status: 404 }),
        ),
    ],
    silent,
  );
  const ask = async (app: App, path: string, init: RequestInit = {}): Promise<Response> =>
    surface(new Request(`http://localhost${path}`, init), { app });

  test("one that the component fails counts as no success", async () => {
    const metrics = appMetrics();
    const app = fakeApp({ metrics, components: [{ kind: "state", name: "s", port: store }] });
    await ask(app, "/v1.0/state/s/key", { method: "DELETE" });
    const labels = { component: "s", namespace: "default", operation: "delete", success: "false" };
    expect(samplesOf(shown(metrics), "dapr_component_state_count")).toEqual([[labels, 1]]);
    expect(samplesOf(shown(metrics), "dapr_component_state_latencies")).toEqual([[labels, 1]]);
  });

  test("a component that the app does not have is not a series", async () => {
    const metrics = appMetrics();
    await ask(fakeApp({ metrics }), "/v1.0/state/whatever/key");
    expect(shown(metrics).has("dapr_component_state_count")).toBe(false);
  });

  test("configuration is counted by what was asked: get, subscribe, unsubscribe", async () => {
    const metrics = appMetrics();
    const app = fakeApp({
      metrics,
      channel: recordingChannel(),
      components: [{ kind: "configuration", name: "c", port: watched }],
    });
    await ask(app, "/v1.0/configuration/c?key=a");
    const { id } = (await (await ask(app, "/v1.0/configuration/c/subscribe?key=a")).json()) as {
      id: string;
    };
    await ask(app, `/v1.0/configuration/c/${id}/unsubscribe`);
    const samples = samplesOf(shown(metrics), "dapr_component_configuration_count");
    expect(
      samples.map(([labels, value]) => [labels["operation"], labels["success"], value]),
    ).toEqual([
      ["get", "true", 1],
      ["subscribe", "true", 1],
      ["unsubscribe", "true", 1],
    ]);
  });

  test("an app without metrics runs the very operation, with no promise around it", async () => {
    const promise = Promise.resolve(undefined);
    const operation = { ...getState, run: () => promise };
    const run = compose([measuredOperations]);
    const call = { app: fakeApp(), metadata: {}, trace: undefined, ...never };
    expect(run(operation, call, { store: "s", key: "k" })).toBe(promise);
  });
});

describe("error codes", () => {
  for (const [code, category] of [
    ["ERR_STATE_GET", "state"],
    ["ERR_NOT_SUPPORTED_STATE_OPERATION", "state"],
    ["ERR_PUBSUB_NOT_FOUND", "pubsub"],
    ["ERR_TOPIC_NAME_EMPTY", "pubsub"],
    ["ERR_PERMISSION_DENIED", "secret"],
    ["ERR_SECRET_GET", "secret"],
    ["ERR_CONFIGURATION_GET", "configuration"],
    ["ERR_CRYPTO_KEY", "crypto"],
    ["ERR_CONVERSATION_INVOKE", "conversation"],
    ["ERR_DIRECT_INVOKE", "service-invocation"],
    ["ERR_INVOKE_OUTPUT_BINDING", "binding"],
    ["ERR_TRY_LOCK", "lock"],
    ["ERR_LOCK_STORE_NOT_FOUND", "lock"],
    ["DAPR_SCHEDULER_GET_JOB", "job"],
    ["ERR_HEALTH_NOT_READY", "health"],
    ["ERR_ACTOR_NO_PLACEMENT", "actor"],
    ["ERR_GET_WORKFLOW", "workflow"],
    ["ERR_INSTANCE_ID_INVALID", "workflow"],
    ["ERR_MALFORMED_REQUEST", "common"],
    ["ERR_APP_CHANNEL_NIL", "common"],
    ["ERROR", "common"],
    ["Unauthorized", undefined],
  ] as const)
    test(`${code} is of ${category ?? "none"}`, () => {
      expect(categoryOf({ code, details: undefined })).toBe(category);
    });
  test("a key that cannot be stored is the state block's", () => {
    const details = [
      { type: "ErrorInfo", reason: "DAPR_STATE_ILLEGAL_KEY", metadata: null },
    ] as const;
    expect(categoryOf({ code: "ERR_MALFORMED_REQUEST", details })).toBe("state");
  });
});
