import { describe, expect, it } from "vitest";
import { state as memoryState, pubsub as memoryPubsub } from "#components/in-memory/manifest.ts";
import * as environment from "#components/environment/manifest.ts";
import type { AppOptions } from "#core/hosting/app-options.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { type ComponentSpec, defineComponent, type Manifest } from "#core/ports/manifest.ts";
import type { Platform } from "#core/ports/platform.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import { recordingChannel } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { eventually } from "#test/support/eventually.ts";
import { silent } from "../api.ts";

const opened: ComponentSpec[] = [];
let closed = 0;
/** A store that shows how it was opened, and fails on request. */
const probe: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.probe",
  version: "v1",
  targets: ["node"],
  about: "For these tests.",
  options: {},
  open: async (spec, host) => {
    if (spec.metadata["fail"] !== undefined) throw new Error(spec.metadata["fail"]);
    if (spec.metadata["hang"] !== undefined) await new Promise(() => {});
    opened.push(spec);
    const store = await memoryState.open(spec, host);
    return {
      ...store,
      [Symbol.asyncDispose]: async () => {
        closed++;
      },
    };
  },
});

function runtime(env: Platform["env"] = {}, clock = fakeClock()): Runtime {
  const platform: Platform = {
    clock,
    log: silent,
    fetch: () => Promise.reject(new Error("no network here")),
    env,
    host: { address: "10.0.0.1", name: "host" },
    binding: () => undefined,
    background: () => {},
  };
  const manifests = [memoryState, memoryPubsub, probe, ...Object.values(environment)];
  return createRuntime({ platform, target: "node", manifests });
}
const component = (name: string, type: string, rest = "", scopes = "[]"): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: ${name}}\nspec: {type: ${type}, version: v1${rest}}\nscopes: ${scopes}\n`;

function options(
  appId: string,
  documents: readonly string[],
  more: Partial<AppOptions> = {},
): AppOptions {
  return {
    appId,
    namespace: "",
    resources: parseDocuments(documents.join("\n---\n"), "test.yaml").documents,
    configuration: mergeConfigurations([]),
    apiTokens: [],
    limits: { maxBodyBytes: 1 << 20 },
    extended: {},
    failOnComponentError: true,
    bindingProbeMs: 100,
    disableInitEndpoints: [],
    shutdown: () => {},
    ...more,
  };
}
async function call(
  of: Runtime,
  appId: string,
  path: string,
  init?: RequestInit,
): Promise<{ readonly status: number; readonly text: string }> {
  const app = of.find({ namespace: "", appId });
  if (!app) throw new Error(`no app ${appId}`);
  const response = await of.fetch(new Request(`http://localhost${path}`, init), { app });
  return { status: response.status, text: await response.text() };
}
const save = (value: unknown): RequestInit => ({
  method: "POST",
  body: JSON.stringify([{ key: "k", value }]),
});

describe("a runtime of several apps", () => {
  it("gives each app its own keys in a store that they share", async () => {
    await using of = runtime();
    for (const app of ["a", "b"])
      await of.addApp(options(app, [component("store", "state.in-memory")]));
    await call(of, "a", "/v1.0/state/store", save(1));
    expect((await call(of, "a", "/v1.0/state/store/k")).text).toBe("1");
    expect((await call(of, "b", "/v1.0/state/store/k")).status).toBe(204);
  });
  it("lets them share by `keyPrefix: name`, through one opened component", async () => {
    await using of = runtime();
    const before = opened.length;
    const document = component(
      "store",
      "state.probe",
      ", metadata: [{name: keyPrefix, value: name}]",
    );
    for (const app of ["a", "b"]) await of.addApp(options(app, [document]));
    await call(of, "a", "/v1.0/state/store", save(1));
    expect((await call(of, "b", "/v1.0/state/store/k")).text).toBe("1");
    expect(opened.length - before).toBe(1);
  });
  it("closes a shared component with the last app that has it", async () => {
    await using of = runtime();
    const hosted = [];
    for (const app of ["a", "b"])
      hosted.push(await of.addApp(options(app, [component("store", "state.probe")])));
    const before = closed;
    await hosted[0]?.[Symbol.asyncDispose]();
    expect(closed).toBe(before);
    expect((await call(of, "b", "/v1.0/state/store", save(1))).status).toBe(204);
    await hosted[1]?.[Symbol.asyncDispose]();
    expect(closed).toBe(before + 1);
  });
  it("opens a component anew for each app whose settings differ", async () => {
    await using of = runtime();
    const before = opened.length;
    const document = component(
      "store",
      "state.probe",
      ', metadata: [{name: own, value: "{appID}"}]',
    );
    for (const app of ["a", "b"]) await of.addApp(options(app, [document]));
    expect(opened.slice(before).map(({ metadata }) => metadata["own"])).toEqual(["a", "b"]);
  });
  it("shows a scoped component to nobody else, as if it were not there", async () => {
    await using of = runtime();
    const documents = [
      component("store", "state.in-memory", "", "[a]"),
      component("other", "state.in-memory"),
    ];
    for (const app of ["a", "b"]) await of.addApp(options(app, documents));
    expect((await call(of, "a", "/v1.0/state/store/k")).status).toBe(204);
    const refused = await call(of, "b", "/v1.0/state/store/k");
    const absent = await call(of, "b", "/v1.0/state/nowhere/k");
    expect(refused.status).toBe(400);
    expect(refused.text.replaceAll("store store", "store nowhere")).toBe(absent.text);
  });
  it("refuses a second app of the same id, but takes it in another namespace", async () => {
    await using of = runtime();
    await of.addApp(options("a", []));
    await expect(of.addApp(options("a", []))).rejects.toThrow('App "a" is already hosted here');
    await of.addApp(options("a", [], { namespace: "other" }));
  });
  it("two runtimes in one process know nothing of each other", async () => {
    await using one = runtime();
    await using other = runtime();
    for (const of of [one, other])
      await of.addApp(options("a", [component("store", "state.in-memory")]));
    await call(one, "a", "/v1.0/state/store", save(1));
    expect((await call(other, "a", "/v1.0/state/store/k")).status).toBe(204);
  });
  it("delivers what one app publishes to another that subscribed", async () => {
    await using of = runtime();
    const channel = recordingChannel(({ path }) =>
      path === "/dapr/subscribe" ? { body: [{ pubsubname: "ps", topic: "t", route: "/on" }] } : {},
    );
    const document = component("ps", "pubsub.in-memory");
    await of.addApp(options("sender", [document]));
    const receiver = await of.addApp(options("receiver", [document], { channel }));
    await receiver.start();
    expect(
      (await call(of, "sender", "/v1.0/publish/ps/t", { method: "POST", body: "hi" })).status,
    ).toBe(204);
    await eventually(() => channel.to("/on").length === 1);
    expect(JSON.parse(channel.to("/on")[0]?.body ?? "")).toMatchObject({
      data: "hi",
      source: "sender",
      topic: "t",
    });
  });
});

describe("metadata", () => {
  it("names the features that the Configuration has on", async () => {
    await using of = runtime();
    const { documents } = parseDocuments(
      "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: c}\nspec: {features: [{name: HotReload, enabled: false}, {name: New, enabled: true}]}",
      "c.yaml",
    );
    const configuration = mergeConfigurations(documents as never);
    await of.addApp(options("a", [], { configuration }));
    expect(JSON.parse((await call(of, "a", "/v1.0/metadata")).text)).toMatchObject({
      enabledFeatures: ["New", "WorkflowsRemoteActivityReminder"],
    });
  });
});

describe("metadata of subscriptions", () => {
  it("lists those that are declared while the app is not well, and those it had asked for", async () => {
    const clock = fakeClock();
    await using of = runtime({}, clock);
    let status = 500;
    const channel = recordingChannel(({ path }) => {
      if (path === "/dapr/subscribe")
        return { body: [{ pubsubname: "ps", topic: "asked", route: "/asked" }] };
      return { status };
    });
    const document = `apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: s}\nspec: {pubsubname: ps, topic: declared, routes: {default: /on}}`;
    const healthProbe = { path: "/healthz", intervalMs: 1000, timeoutMs: 500, threshold: 1 };
    const documents = [component("ps", "pubsub.in-memory"), document];
    const hosted = await of.addApp(options("a", documents, { channel, healthProbe }));
    await hosted.start();
    const topics = async (): Promise<readonly string[]> => {
      const { text } = await call(of, "a", "/v1.0/metadata");
      const { subscriptions = [] } = JSON.parse(text) as {
        subscriptions?: Array<{ topic: string }>;
      };
      return subscriptions.map(({ topic }) => topic);
    };
    expect(await topics()).toEqual(["declared"]);
    status = 200;
    await clock.advance(1000);
    await eventually(async () => (await topics()).length === 2);
    status = 500;
    await clock.advance(1000);
    await eventually(() => channel.to("/healthz").length === 3);
    const changed = document.replace("topic: declared", "topic: other");
    const { resources, configuration } = options("a", [documents[0] as string, changed]);
    await hosted.update({ resources, configuration, unread: [] });
    expect(await topics()).toEqual(["other", "asked"]);
  });
});

describe("a component that cannot start", () => {
  const failing = component(
    "bad",
    "state.probe",
    ", metadata: [{name: fail, value: no such host}]",
  );
  it.each([
    [
      failing,
      "[INIT_COMPONENT_FAILURE]: initialization error occurred for bad (state.probe/v1): no such host",
    ],
    [
      component("bad", "state.unheardof"),
      "couldn't find state store state.unheardof/v1; Outrigger has state.in-memory, state.probe",
    ],
    [
      component("bad", "state.in-memroy"),
      'couldn\'t find state store state.in-memroy/v1; did you mean "state.in-memory"?; Outrigger has',
    ],
    [
      component("bad", "state.in-memory").replace("version: v1", "version: v9"),
      "couldn't find state store state.in-memory/v9; its versions are v1",
    ],
    [
      component("bad", "stat.in-memory"),
      'process component bad error: incorrect type stat.in-memory; did you mean "state.in-memory"?',
    ],
    [
      `${component("bad", "state.in-memory")}---\n${component("bad", "pubsub.in-memory")}`,
      "duplicate definition of Component name bad (pubsub.in-memory/v1) with existing bad (state.in-memory/v1)",
    ],
    [
      component("bad", "state.probe", ", metadata: [{name: p, secretKeyRef: {name: s}}]"),
      'secret store "kubernetes" is not loaded',
    ],
    [
      component("bad", "state.in-memory", ', metadata: [{name: keyPrefix, value: "a||b"}]'),
      "can't contain '||'",
    ],
  ])("ends the start of a single app, with the reason (%#)", async (document, reason) => {
    await using of = runtime();
    await expect(of.addApp(options("a", [document]))).rejects.toThrow(reason);
    expect(of.find({ namespace: "", appId: "a" })).toBeUndefined();
  });
  it("is told together with all others of which there are two", async () => {
    await using of = runtime();
    const documents = [
      component("a", "state.in-memory"),
      component("b", "pubsub.in-memory"),
      component("a", "pubsub.in-memory"),
      component("b", "pubsub.in-memory"),
    ];
    await expect(of.addApp(options("a", documents))).rejects.toThrow(
      "failed to load components: " +
        "duplicate definition of Component name a (pubsub.in-memory/v1) with existing a (state.in-memory/v1)\n" +
        "duplicate definition of Component name b (pubsub.in-memory/v1) with existing b (pubsub.in-memory/v1); see ",
    );
  });
  it("is passed over with `ignoreErrors`, and shown in metadata with its reason", async () => {
    await using of = runtime();
    const document = failing.replace("version: v1", "version: v1, ignoreErrors: true");
    await of.addApp(options("a", [document, component("good", "state.in-memory")]));
    const { components, extended } = JSON.parse((await call(of, "a", "/v1.0/metadata")).text) as {
      components: object[];
      extended: Record<string, string>;
    };
    // What is listed is loaded, as programs of Dapr take it.
    expect(components).toMatchObject([{ name: "good" }]);
    expect(JSON.parse(extended["outrigger.components.failed"] ?? "")).toMatchObject([
      {
        name: "bad",
        type: "state.probe",
        version: "v1",
        reason: expect.stringContaining("no such host"),
      },
    ]);
  });
  it.each([
    ["state", "GET", "state/bad/k", 500, "ERR_STATE_STORE_NOT_CONFIGURED"],
    ["pubsub", "POST", "publish/bad/t", 404, "ERR_PUBSUB_NOT_FOUND"],
    ["bindings", "POST", "bindings/bad", 500, "ERR_INVOKE_OUTPUT_BINDING"],
    ["secretstores", "GET", "secrets/bad/k", 500, "ERR_SECRET_STORES_NOT_CONFIGURED"],
    ["configuration", "GET", "configuration/bad", 500, "ERR_CONFIGURATION_STORE_NOT_CONFIGURED"],
    ["lock", "POST", "lock/bad", 500, "ERR_LOCK_STORE_NOT_CONFIGURED"],
    ["crypto", "PUT", "crypto/bad/encrypt", 500, "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED"],
    ["conversation", "POST", "conversation/bad/converse", 400, "ERR_CONVERSATION_NOT_FOUND"],
  ])(
    "says on calls why it did not start: %s",
    async (category, method, path, status, errorCode) => {
      await using of = runtime();
      const document = component("bad", `${category}.nope`);
      await of.addApp(options("a", [document], { failOnComponentError: false }));
      const version = /^(?:lock|crypto|conversation)/.test(path) ? "v1.0-alpha1" : "v1.0";
      const body =
        category === "lock"
          ? { resourceId: "r", lockOwner: "o", expiryInSeconds: 10 }
          : { operation: "create", data: "", inputs: [{}] };
      const answer = await call(of, "a", `/${version}/${path}`, {
        method,
        ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
      });
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.text)).toMatchObject({
        errorCode,
        message: expect.stringContaining(
          `component bad (${category}.nope/v1) did not start: couldn't find`,
        ),
      });
    },
  );
  it("fails only for the apps that see it, where several share a process", async () => {
    await using of = runtime();
    const documents = [
      failing.replace("scopes: []", "scopes: [b]"),
      component("good", "state.in-memory"),
    ];
    for (const app of ["a", "b"])
      await of.addApp(options(app, documents, { failOnComponentError: false }));
    expect(of.find({ namespace: "", appId: "a" })?.components.failed).toEqual([]);
    expect(of.find({ namespace: "", appId: "b" })?.components.failed).toHaveLength(1);
    expect((await call(of, "b", "/v1.0/state/good", save(1))).status).toBe(204);
  });
  it("is given up after its initTimeout", async () => {
    const clock = fakeClock();
    await using of = runtime({}, clock);
    const document = component(
      "slow",
      "state.probe",
      ", initTimeout: 2s, metadata: [{name: hang, value: x}]",
    );
    const adding = of.addApp(options("a", [document]));
    const [added] = await Promise.allSettled([adding, clock.advance(2000)]);
    expect(added).toMatchObject({
      status: "rejected",
      reason: { message: expect.stringContaining("exceeded after 2000 ms") as unknown },
    });
  });
  it("lets another app open it again later", async () => {
    await using of = runtime();
    await expect(of.addApp(options("a", [failing]))).rejects.toThrow();
    await of.addApp(options("a", [component("bad", "state.probe")]));
  });
});

describe("secret references", () => {
  it("come from a secret store that loads first, wherever it stands", async () => {
    await using of = runtime({ PASSWORD: "hidden" });
    const before = opened.length;
    const store = `${component("store", "state.probe", ", metadata: [{name: password, secretKeyRef: {name: PASSWORD, key: PASSWORD}}]")}auth: {secretStore: env}\n`;
    await of.addApp(options("a", [store, component("env", "secretstores.local.env")]));
    expect(opened[before]?.metadata["password"]).toBe("hidden");
  });
});

describe("health", () => {
  it("is not ready before the app has started, while outbound calls are", async () => {
    await using of = runtime();
    const hosted = await of.addApp(options("a", []));
    expect((await call(of, "a", "/v1.0/healthz")).status).toBe(500);
    expect((await call(of, "a", "/v1.0/healthz/outbound")).status).toBe(204);
    await hosted.start();
    expect((await call(of, "a", "/v1.0/healthz")).status).toBe(204);
  });
});
