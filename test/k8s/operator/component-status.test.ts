import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeClient } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { type ComponentStatus, createComponentStatus } from "#k8s/operator/component-status.ts";
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
/** What chance says: 0 makes each wait as short as it can be. */
let chance: number;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  host = testHost();
  clock = fakeClock();
  chance = 0;
  status = open("n1");
  put();
});
afterEach(async () => {
  await status[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

function open(node: string): ComponentStatus {
  return createComponentStatus(client, { node, log: host.log, clock, random: () => chance });
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

describe("createComponentStatus, when many write", () => {
  it("spreads the first good news of all nodes, and does not let failures wait for it", async () => {
    chance = 1;
    report(true);
    await pass(9900);
    expect(nodes()).toEqual([]);
    await pass(200);
    expect(nodes()).toMatchObject([{ ready: true }]);
    put({}, "other");
    report(true, undefined, "cart", "other");
    report(false, "no");
    await pass(2900);
    expect(nodes()).toMatchObject([{ ready: true }]);
    report(false, "no", "orders", "other");
    await pass(200);
    expect(nodes()).toMatchObject([{ ready: false }]);
    await pass(2900);
    expect(api.get(path.replace("redis", "other"))).toHaveProperty("status.nodes[0].ready", false);
  });
  it("draws its wait once, however often something changes meanwhile", async () => {
    chance = 1;
    report(false, "no");
    chance = 0;
    report(false, "still no");
    await pass(2900);
    expect(nodes()).toEqual([]);
    await pass(200);
    expect(nodes()).toMatchObject([{ message: "for app cart: still no" }]);
  });
  it("spreads what it tries again", async () => {
    api.fail({ path, status: 503 });
    report(false, "no");
    chance = 1;
    await pass(1100);
    await pass(2800);
    expect(api.requests).toHaveLength(1);
    await pass(300);
    expect(nodes()).toHaveLength(1);
  });
});

describe("createComponentStatus, when things go and come again", () => {
  const uidOf = (): string | undefined => api.get(path)?.metadata.uid;
  it("takes away the entry of an app that goes while it is written", async () => {
    api.isAllowed = ({ verb }) => {
      if (verb === "patch") status.forget({ namespace: "shop", appId: "cart" });
      return true;
    };
    report(true);
    await pass(1100);
    expect(nodes()).toHaveLength(1);
    await pass(1100);
    expect(nodes()).toEqual([]);
    expect(status.knows("shop", "redis")).toBe(false);
  });
  it("writes its entry in a component that was made anew, and says so once", async () => {
    report(true);
    await pass(1100);
    const before = api.get(path) as KubeObject;
    status.documents("shop", [before]);
    await pass(1100);
    expect(api.requests.filter(({ path: at }) => at === path)).toHaveLength(1);
    api.remove(path);
    const after = put();
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    status.documents("other", [{ ...after, metadata: { name: "redis", uid: "another" } }]);
    status.documents("shop", [after]);
    await pass(1100);
    expect(nodes()).toMatchObject([{ node: "n1", ready: true }]);
    expect(new Set(events().map(({ involvedObject }) => involvedObject.uid))).toEqual(
      new Set([before.metadata.uid, after.metadata.uid]),
    );
    expect(events()).toHaveLength(2);
    status.documents("shop", [after]);
    await pass(5000);
    expect(writes()).toBe(2);
  });
  it("says so of one that was made anew before there was news of it", async () => {
    report(true);
    await pass(1100);
    api.remove(path);
    put();
    report(false);
    report(true);
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: true }]);
    expect(events()).toHaveLength(2);
  });
  it("writes its entry in a component that was not there when its turn came", async () => {
    api.remove(path);
    report(true);
    await pass(1100);
    status.documents("shop", [put()]);
    await pass(1100);
    expect(nodes()).toHaveLength(1);
  });
  it("holds nothing against a document that has gone, and everything against the same one anew", async () => {
    const before = put();
    report(true);
    status.invalid(before, "no type");
    await pass(1100);
    api.remove(path);
    status.documents("shop", []);
    await pass(1100);
    const after = put();
    status.documents("shop", [after]);
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: true }]);
    status.invalid(after, "no type");
    await pass(1100);
    expect(nodes()).toMatchObject([{ reason: "InvalidDocument" }]);
    // Quicker than the news of it.
    api.remove(path);
    const last = put();
    status.invalid(last, "no type");
    await pass(1100);
    expect(nodes()).toMatchObject([{ reason: "InvalidDocument" }]);
    status.documents("shop", [last]);
    await pass(1100);
    expect(nodes()).toMatchObject([{ reason: "InvalidDocument" }]);
    expect(uidOf()).toBe(last.metadata.uid);
  });
  it("forgets what was wrong with a document that has gone where no app loads it", async () => {
    status.invalid(put(), "no type");
    await pass(1100);
    api.remove(path);
    status.documents("shop", []);
    await pass(1100);
    expect(status.knows("shop", "redis")).toBe(false);
  });
  it("leaves the documents of a namespace to others once none of its pods is here", async () => {
    status.invalid(put(), "no type");
    await pass(1100);
    status.namespaceGone("other");
    await pass(1100);
    expect(nodes()).toHaveLength(1);
    status.namespaceGone("shop");
    await pass(1100);
    expect(nodes()).toEqual([]);
    expect(status.knows("shop", "redis")).toBe(false);
  });
  it("withdraws what it has said, and says no more", async () => {
    for (let i = 0; i < 25; i++) {
      put({}, `c${i}`);
      report(true, undefined, "cart", `c${i}`);
    }
    for (let i = 0; i < 40; i++) await pass(100);
    const entries = (): number =>
      Array.from({ length: 25 }, (_, i) => api.get(path.replace("redis", `c${i}`))).filter(
        (each) => (each as { status?: { nodes: readonly Node[] } }).status?.nodes.length === 1,
      ).length;
    expect(entries()).toBe(25);
    api.fail({ verb: "patch", status: 503 });
    report(true);
    await status.withdraw();
    expect(entries()).toBe(1);
    report(false, "too late");
    await pass(60_000);
    expect(nodes()).toEqual([]);
  });
  it("does not wait for an hour where the clock is set back by one", async () => {
    let back = 0;
    await status[Symbol.asyncDispose]();
    const { now } = clock;
    Object.assign(clock, { now: () => now() - back });
    status = open("n1");
    report(true);
    back = 3_600_000;
    // How much of the second had passed is not known.
    await pass(1100);
    await pass(1100);
    expect(nodes()).toHaveLength(1);
    report(false, "no");
    await pass(1100);
    expect(nodes()).toMatchObject([{ ready: false }]);
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
    ["nodes that are not a list", { status: { nodes: { node: "n1" } } }],
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
