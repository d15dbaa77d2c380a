import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeClient } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { type ComponentStatus, createComponentStatus } from "#k8s/operator/component-status.ts";
import { removeStaleEntries } from "#k8s/operator/stale-entries.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock, type FakeClock } from "#test/support/fake-clock.ts";
import { testHost, type TestHost } from "#test/support/host.ts";

const path = "/apis/dapr.io/v1alpha1/namespaces/shop/components/redis";
interface Event extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid?: string };
}

let api: KubeApiDouble;
let client: KubeClient;
let host: TestHost;
let clock: FakeClock;
let status: ComponentStatus;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  host = testHost();
  clock = fakeClock();
  status = open("n1");
  put();
});
afterEach(async () => {
  await status[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

function open(node: string): ComponentStatus {
  return createComponentStatus(client, { node, log: host.log, clock });
}
function put(more: object = {}, name = "redis"): KubeObject {
  return api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace: "shop" },
    spec: { type: "state.redis" },
    ...more,
  });
}
const report = (ready: boolean, message?: string, appId = "cart", component = "redis"): void =>
  status.report({
    namespace: "shop",
    component,
    appId,
    ready,
    ...(message === undefined ? {} : { message }),
  });
interface Node {
  readonly node: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}
const nodes = (): readonly Node[] =>
  api.get<KubeObject & { readonly status?: { readonly nodes?: readonly Node[] } }>(path)?.status
    ?.nodes ?? [];
const events = (): readonly Event[] => api.list<Event>("/api/v1/namespaces/shop/events");
const writes = (): number => api.requests.filter(({ method }) => method === "PATCH").length;
/** Time goes on, and what goes over the network takes its own. */
async function pass(ms: number): Promise<void> {
  await clock.advance(ms);
  let before = -1;
  while (
    before !== api.requests.length ||
    api.requests.some(({ status: is }) => is === undefined)
  ) {
    before = api.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 15));
    await clock.advance(0);
  }
}

describe("createComponentStatus", () => {
  it("writes the entry of this node and an Event, a second after the first report", async () => {
    report(true);
    await pass(900);
    expect(nodes()).toEqual([]);
    await pass(200);
    expect(nodes()).toEqual([
      {
        node: "n1",
        ready: true,
        reason: "ComponentReady",
        message: "",
        since: "2026-01-01T00:00:01Z",
      },
    ]);
    expect(events()).toMatchObject([
      {
        type: "Normal",
        reason: "ComponentReady",
        message: "node n1: ready",
        involvedObject: {
          apiVersion: "dapr.io/v1alpha1",
          kind: "Component",
          namespace: "shop",
          name: "redis",
          uid: api.get(path)?.metadata.uid,
        },
      },
    ]);
    const write = api.requests.find(({ path: at }) => at === `${path}/status`);
    expect(write?.query.get("fieldManager")).toBe("outrigger-n1");
    expect(write?.contentType).toContain("apply-patch");
  });
  it("is failed as long as it is for one app, and says for which", async () => {
    report(true, undefined, "cart");
    report(false, "connect ECONNREFUSED", "orders");
    report(false, "something else", "zoo");
    await pass(1100);
    expect(nodes()).toMatchObject([
      {
        ready: false,
        reason: "ComponentFailed",
        message: "for app orders (and for 1 more): connect ECONNREFUSED",
      },
    ]);
    expect(events()).toMatchObject([{ type: "Warning", reason: "ComponentFailed" }]);
    report(true, undefined, "orders");
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: false, message: "for app zoo: something else" }]);
    const since = nodes()[0]?.since;
    expect(since).toBe("2026-01-01T00:00:01Z");
    report(true, undefined, "zoo");
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: true, since: "2026-01-01T00:00:03Z" }]);
    expect(events().map(({ reason }) => reason)).toContain("ComponentReady");
  });
  it("writes what flaps once, as it is in the end, and nothing that is as it was", async () => {
    for (let i = 0; i < 100; i++) report(i % 2 === 0, i % 2 === 0 ? undefined : `try ${i}`);
    report(true);
    await pass(1100);
    expect(writes()).toBe(1);
    expect(nodes()).toMatchObject([{ ready: true }]);
    report(false, "gone for a moment");
    report(true);
    report(true);
    await pass(5000);
    expect(writes()).toBe(1);
    expect(events()).toHaveLength(1);
  });
  it("takes over what a former process wrote, without a word", async () => {
    put({
      status: {
        nodes: [
          {
            node: "n1",
            ready: true,
            reason: "ComponentReady",
            message: "",
            since: "2025-05-05T05:05:05Z",
          },
          { node: "n2", ready: false, reason: "ComponentFailed", message: "x", since: "" },
        ],
      },
    });
    report(true);
    await pass(1100);
    expect(writes()).toBe(0);
    expect(events()).toEqual([]);
    report(false, "now it fails");
    await pass(1100);
    expect(nodes().find(({ node }) => node === "n1")).toMatchObject({ ready: false });
    expect(nodes().find(({ node }) => node === "n2")).toMatchObject({ message: "x" });
  });
  it("takes its entry away when no app loads it any more", async () => {
    report(true, undefined, "cart");
    report(true, undefined, "orders");
    await pass(1100);
    status.forget({ namespace: "shop", appId: "cart" }, "redis");
    status.forget({ namespace: "other", appId: "orders" });
    await pass(1100);
    expect(nodes()).toHaveLength(1);
    status.forget({ namespace: "shop", appId: "orders" });
    await pass(1100);
    expect(nodes()).toEqual([]);
    expect(status.knows("shop", "redis")).toBe(false);
    expect(events()).toHaveLength(1);
  });
  it("says what is wrong with a document, until it is right", async () => {
    const object = put();
    report(true);
    await pass(1100);
    status.invalid(object, "spec.type is missing");
    await pass(1100);
    expect(nodes()).toMatchObject([
      { ready: false, reason: "InvalidDocument", message: "spec.type is missing" },
    ]);
    status.invalid(object);
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: true, reason: "ComponentReady" }]);
    expect(events().map(({ reason }) => reason)).toContain("InvalidDocument");
  });
  it("says of documents of other kinds by Events only", async () => {
    const object = api.put({
      apiVersion: "dapr.io/v2alpha1",
      kind: "Subscription",
      metadata: { name: "s", namespace: "shop" },
    });
    status.invalid(object, "spec.topic is missing");
    status.invalid(object);
    await pass(100);
    expect(events()).toMatchObject([
      {
        reason: "InvalidDocument",
        message: "spec.topic is missing",
        involvedObject: { apiVersion: "dapr.io/v2alpha1", kind: "Subscription", name: "s" },
      },
    ]);
    expect(writes()).toBe(0);
  });
  it("never writes a credential, nor more than 1024 characters", async () => {
    report(false, `cannot reach redis://u:hunter2@r:6379 ${"x".repeat(5000)}`);
    await pass(1100);
    const [entry] = nodes();
    expect(entry?.message.length).toBe(1024);
    expect(JSON.stringify([nodes(), events(), host.lines])).not.toContain("hunter2");
  });
});

describe("createComponentStatus, when the API server says no", () => {
  it("writes Events only where the kind has no status, and looks again later", async () => {
    const takeBack = api.fail({
      verb: "patch",
      path: `${path}/status`,
      status: 404,
      times: Number.POSITIVE_INFINITY,
    });
    report(false, "no");
    await pass(1100);
    expect(events()).toMatchObject([{ reason: "ComponentFailed" }]);
    const tries = writes();
    report(true);
    await pass(1100);
    expect(writes()).toBe(tries);
    expect(events()).toHaveLength(2);
    takeBack();
    await pass(700_000);
    report(false, "again");
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: false }]);
    expect(host.lines.filter(({ message }) => message.includes("has no status"))).toHaveLength(1);
  });
  it("says nothing of a component that is gone", async () => {
    api.remove(path);
    report(false, "no");
    await pass(1100);
    expect(writes()).toBe(0);
    expect(events()).toEqual([]);
  });
  it("tries again, ever slower, and complains once", async () => {
    const takeBack = api.fail({ path, status: 503, times: Number.POSITIVE_INFINITY });
    report(true);
    for (let i = 0; i < 10; i++) await pass(1000);
    const tries = api.requests.length;
    expect(tries).toBeGreaterThanOrEqual(2);
    expect(tries).toBeLessThanOrEqual(4);
    expect(host.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    takeBack();
    await pass(60_000);
    expect(nodes()).toHaveLength(1);
  });
  it("lets one component that may not be written not hold up another", async () => {
    put({}, "other");
    api.isAllowed = ({ name, verb }) => !(name === "redis" && verb === "patch");
    report(true);
    report(true, undefined, "cart", "other");
    await pass(1100);
    await pass(200);
    expect(nodes()).toEqual([]);
    expect(
      api.get(path.replace("redis", "other")) as unknown as { status: { nodes: unknown } },
    ).toHaveProperty("status.nodes[0].ready", true);
    // Rights are no matter of seconds.
    const before = api.requests.length;
    await pass(60_000);
    expect(api.requests.length).toBe(before);
  });
  it("writes ten components a second, not all at once", async () => {
    for (let i = 0; i < 40; i++) {
      put({}, `c${i}`);
      report(true, undefined, "cart", `c${i}`);
    }
    await pass(1000);
    for (let i = 0; i < 10; i++) await pass(100);
    expect(writes()).toBeGreaterThan(5);
    expect(writes()).toBeLessThanOrEqual(12);
  });
  it.each([
    ["a status that is a list", { status: [] }],
    ["nodes that are no list", { status: { nodes: { node: "n1" } } }],
    ["entries that are none", { status: { nodes: [1, "n1", { node: 1 }, []] } }],
  ])("takes %s", async (_, more) => {
    put(more);
    report(false, "no");
    await pass(1100);
    expect(writes()).toBe(1);
  });
  it("ends with what is under way", async () => {
    api.fail({ path, hang: true });
    report(true);
    await clock.advance(1100);
    await eventually(() => api.requests.length === 1);
    await status[Symbol.asyncDispose]();
    report(true, undefined, "more");
    await clock.advance(5000);
    expect(writes()).toBe(0);
  });
});

describe("removeStaleEntries", () => {
  it("takes away entries that nobody keeps, and no others", async () => {
    const entry = (node: string): object => ({
      node,
      ready: true,
      reason: "x",
      message: "",
      since: "",
    });
    put({ status: { nodes: [entry("gone")] } });
    put({ status: { nodes: [entry("n1")] } }, "kept");
    const { signal } = new AbortController();
    const asked: string[] = [];
    const removed = await removeStaleEntries(
      client,
      ({ namespace, name, node }) => {
        asked.push(`${namespace}/${name} ${node}`);
        return node === "gone";
      },
      { signal },
    );
    expect(removed).toBe(1);
    expect(asked.sort()).toEqual(["shop/kept n1", "shop/redis gone"]);
    expect(nodes()).toEqual([]);
    const write = api.requests.find(({ method }) => method === "PATCH");
    expect(write?.query.get("fieldManager")).toBe("outrigger-gone");
  });
  it("shortens the name of a node that is too long for a field manager", async () => {
    const long = "n".repeat(250);
    put({ status: { nodes: [{ node: long, ready: true }] } });
    const { signal } = new AbortController();
    await removeStaleEntries(client, () => true, { namespace: "shop", signal });
    const manager = api.requests
      .find(({ method }) => method === "PATCH")
      ?.query.get("fieldManager");
    expect(manager?.length).toBeLessThanOrEqual(128);
    expect(manager).toMatch(/^outrigger-n+-[0-9a-f]{16}$/);
  });
});
