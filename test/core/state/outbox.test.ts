import { describe, expect, it } from "vitest";
import { state as memoryState, pubsub as memoryPubsub } from "#components/in-memory/manifest.ts";
import * as environment from "#components/environment/manifest.ts";
import type { AppOptions } from "#core/hosted-app.ts";
import type { Clock, Platform } from "#core/ports/platform.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { createRuntime, type Runtime } from "#core/runtime.ts";
import { eventually } from "#test/support/eventually.ts";
import { recordingChannel } from "#test/support/fake-app.ts";
import { silent } from "../api.ts";

/** Hours pass as milliseconds do. */
const hasty: Clock = {
  now: () => Date.now() * 100,
  sleep: (ms, { signal }) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms / 100);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};
const key = "00112233445566778899aabbccddeeff";

function runtime(): Runtime {
  const platform: Platform = {
    clock: hasty,
    log: silent,
    fetch: () => Promise.reject(new Error("no network here")),
    env: { THE_KEY: key },
    host: { address: "10.0.0.1", name: "host" },
    binding: () => undefined,
    background: () => {},
  };
  const manifests = [memoryState, memoryPubsub, ...Object.values(environment)];
  return createRuntime({ platform, target: "node", manifests });
}
function options(metadata: string, more: Partial<AppOptions> = {}): AppOptions {
  const text = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: store}
spec:
  type: state.in-memory
  version: v1
  metadata: ${metadata}
auth: {secretStore: env}
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: plain}
spec: {type: state.in-memory, version: v1, metadata: []}
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: env}
spec: {type: secretstores.local.env, version: v1}
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: broker}
spec: {type: pubsub.in-memory, version: v1}
`;
  return {
    appId: "orders",
    namespace: "",
    resources: parseDocuments(text, "test.yaml").documents,
    configuration: mergeConfigurations([]),
    apiTokens: [],
    limits: { maxBodyBytes: 1 << 20 },
    extended: {},
    waitFor: [],
    failOnComponentError: true,
    bindingProbeMs: 100,
    disableInitEndpoints: [],
    shutdown: () => {},
    ...more,
  };
}
async function call(of: Runtime, path: string, body?: unknown) {
  const app = of.find({ namespace: "", appId: "orders" });
  if (!app) throw new Error("no app");
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await of.fetch(new Request(`http://localhost${path}`, init), { app });
  return { status: response.status, text: await response.text() };
}
const upsert = (name: string, value: unknown, metadata: Record<string, string> = {}) => ({
  operation: "upsert",
  request: { key: name, value, metadata },
});
const transaction = "/v1.0/state/store/transaction";
const published =
  "[{name: outboxPublishPubsub, value: broker}, {name: outboxPublishTopic, value: changed}]";

describe("outbox", () => {
  const subscribed = () =>
    recordingChannel(({ path }) =>
      path === "/dapr/subscribe"
        ? { body: [{ pubsubname: "broker", topic: "changed", route: "/changed" }] }
        : {},
    );

  it("publishes what a transaction wrote once it is committed", async () => {
    const channel = subscribed();
    await using of = runtime();
    const hosted = await of.addApp(options(published, { channel }));
    await hosted.start();
    const operations = [upsert("a", { n: 1 }, { "cloudevent.source": "mine" })];
    expect((await call(of, transaction, { operations })).status).toBe(204);
    expect((await call(of, "/v1.0/state/store/a")).text).toBe('{"n":1}');
    const [event] = await eventually(
      () => channel.to("/changed").length > 0 && channel.to("/changed"),
    );
    expect(JSON.parse(event?.body ?? "")).toMatchObject({
      source: "mine",
      topic: "changed",
      pubsubname: "broker",
      data: '{"n":1}',
    });
  });
  it("carries the projection instead of the value that is stored", async () => {
    const channel = subscribed();
    await using of = runtime();
    const hosted = await of.addApp(options(published, { channel }));
    await hosted.start();
    const operations = [
      upsert("a", "stored"),
      upsert("a", "projected", { "outbox.projection": "true" }),
    ];
    expect((await call(of, transaction, { operations })).status).toBe(204);
    expect((await call(of, "/v1.0/state/store/a")).text).toBe('"stored"');
    const [event] = await eventually(
      () => channel.to("/changed").length > 0 && channel.to("/changed"),
    );
    expect(JSON.parse(event?.body ?? "")).toMatchObject({ data: "projected" });
  });
  it("publishes nothing of a transaction that failed", async () => {
    const channel = subscribed();
    await using of = runtime();
    const hosted = await of.addApp(options(published, { channel }));
    await hosted.start();
    const losing = {
      operation: "upsert",
      request: { key: "a", value: 1, etag: "7", options: { concurrency: "first-write" } },
    };
    expect((await call(of, transaction, { operations: [losing] })).status).toBe(500);
    const winning = { operations: [upsert("b", "second")] };
    expect((await call(of, transaction, winning)).status).toBe(204);
    const events = await eventually(
      () => channel.to("/changed").length > 0 && channel.to("/changed"),
    );
    expect(events.map(({ body }) => JSON.parse(body).data)).toEqual(["second"]);
  });
  it("refuses the transaction where the broker is not there, and writes nothing", async () => {
    await using of = runtime();
    await of.addApp(options(published.replace("value: broker", "value: nowhere")));
    const answer = await call(of, transaction, { operations: [upsert("a", 1)] });
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("ERR_PUBLISH_OUTBOX");
    expect((await call(of, "/v1.0/state/store/a")).status).toBe(204);
  });
});

describe("encrypted state", () => {
  const encrypted = (more = "") =>
    `[{name: keyPrefix, value: none}, {name: primaryEncryptionKey, secretKeyRef: {name: THE_KEY, key: THE_KEY}}${more}]`;
  const save = [{ key: "k", value: { n: 1 } }];

  it("gives back what was saved, alone, in bulk and after a transaction", async () => {
    await using of = runtime();
    await of.addApp(options(encrypted()));
    expect((await call(of, "/v1.0/state/store", save)).status).toBe(204);
    expect((await call(of, "/v1.0/state/store/k")).text).toBe('{"n":1}');
    await call(of, transaction, { operations: [upsert("t", { n: 2 })] });
    const { text } = await call(of, "/v1.0/state/store/bulk", { keys: ["k", "t"] });
    expect(JSON.parse(text)).toMatchObject([{ data: { n: 1 } }, { data: { n: 2 } }]);
  });
  it("leaves nothing readable in the store, and the name of the key behind the value", async () => {
    const stored: string[] = [];
    const spying = {
      ...memoryState,
      open: async (...given: Parameters<typeof memoryState.open>) => {
        const store = await memoryState.open(...given);
        const write: typeof store.write = (op, more) => {
          if (op.op !== "delete") stored.push(new TextDecoder().decode(op.value as Uint8Array));
          return store.write(op, more);
        };
        return { ...store, write };
      },
    };
    const platform = {
      clock: hasty,
      log: silent,
      env: { THE_KEY: key },
      host: { address: "10.0.0.1", name: "host" },
      binding: () => undefined,
      background: () => {},
      fetch: () => Promise.reject(new Error("no network here")),
    } satisfies Platform;
    await using of = createRuntime({
      platform,
      target: "node",
      manifests: [spying, memoryPubsub, ...Object.values(environment)],
    });
    await of.addApp(options(encrypted()));
    await call(of, "/v1.0/state/store", save);
    expect(stored).toHaveLength(1);
    expect(stored[0]).toMatch(/^[\w+/]+=*\|\|THE_KEY$/);
    expect(stored[0]).not.toContain('"n"');
  });
  it("does not start with a key in plain, a key of the wrong size or a secondary key alone", async () => {
    for (const metadata of [
      `[{name: primaryEncryptionKey, value: "${key}"}]`,
      "[{name: primaryEncryptionKey, secretKeyRef: {name: SHORT, key: SHORT}}]",
      "[{name: secondaryEncryptionKey, secretKeyRef: {name: THE_KEY, key: THE_KEY}}]",
    ]) {
      await using of = runtime();
      await expect(of.addApp(options(metadata))).rejects.toThrow(/EncryptionKey/);
    }
  });
});
