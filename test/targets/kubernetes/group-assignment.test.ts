import { beforeEach, describe, expect, it } from "vitest";
import { createWaitMetrics } from "#targets/kubernetes/wait-metrics.ts";
import type { PodRecord } from "#targets/kubernetes/messages.ts";
import { Group } from "#targets/kubernetes/supervisor/group.ts";
import { createGroupAssignment } from "#targets/kubernetes/supervisor/group-assignment.ts";
import { createMetricsReader } from "#targets/kubernetes/supervisor/metrics-reader.ts";
import { createRoutes } from "#targets/kubernetes/supervisor/routes.ts";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import { groupProcess, type GroupProcessDouble } from "#test/doubles/group-process.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";

interface About {
  readonly namespace?: string;
  readonly appId?: string;
  readonly hostNetwork?: boolean;
  readonly isolation?: "default" | "dedicated";
  readonly ips?: readonly string[];
}
const pod = (uid: string, about: About = {}): PodRecord =>
  ({
    uid,
    namespace: about.namespace ?? "shop",
    hostNetwork: about.hostNetwork ?? false,
    ips: about.ips ?? [],
    tokenHash: `hash of ${uid}`,
    settings: { appId: about.appId ?? uid, isolation: about.isolation ?? "default" },
  }) as PodRecord;

let processes: Map<string, GroupProcessDouble[]>;
function assignment(isolation: "namespace" | "shared") {
  const routes = createRoutes(["10.0.0.1"]);
  processes = new Map();
  const made = createGroupAssignment({
    isolation,
    routes,
    clock,
    log: keptLog(),
    create: (name) =>
      new Group(name, {
        // Not the same: a process that does not start is ended.
        clock: fakeClock(),
        log: keptLog(),
        waitMetrics: createWaitMetrics(clock),
        fork: (_, onMessage) => {
          const forked = groupProcess(1, onMessage);
          processes.set(name, [...(processes.get(name) ?? []), forked]);
          return forked;
        },
        onMessage: (_, message) => metrics?.hear(message as never),
        documentsOf: () => [],
        isCurrent: () => true,
        isServing: () => false,
      }),
  });
  return Object.assign(made, {
    routes,
    names: () => made.groups.map(({ name }) => name).toSorted(),
  });
}
let clock: FakeClock;
let metrics: ReturnType<typeof createMetricsReader> | undefined;

beforeEach(() => {
  clock = fakeClock();
  metrics = undefined;
});

describe("which process hosts a pod's app", () => {
  it("is its namespace's, its own, or that of the host's network", () => {
    const { put, names, routes } = assignment("namespace");
    put(pod("a"));
    put(pod("b"));
    put(pod("c", { namespace: "bank" }));
    put(pod("d", { isolation: "dedicated" }));
    put(pod("e", { hostNetwork: true, ips: ["10.0.0.1"] }));
    put(pod("f", { namespace: "bank", hostNetwork: true, isolation: "dedicated" }));
    expect(names()).toEqual([
      "dedicated/shop/d",
      "host-network",
      "namespace/bank",
      "namespace/shop",
    ]);
    expect(routes.withUid("b")).toBe("namespace/shop");
    expect(routes.withUid("f")).toBe("host-network");
  });
  it("is one for all where that is wanted, but for those that have their own", () => {
    const { put, names } = assignment("shared");
    put(pod("a"));
    put(pod("c", { namespace: "bank" }));
    put(pod("e", { hostNetwork: true }));
    put(pod("d", { isolation: "dedicated" }));
    expect(names()).toEqual(["dedicated/shop/d", "shared"]);
  });
  it("is told by the name that its peers ask for", () => {
    const { put, remove, groupOf } = assignment("namespace");
    put(pod("a", { appId: "cart" }));
    const name = serverNameOf({ namespace: "shop", appId: "cart" });
    expect(groupOf(name)?.name).toBe("namespace/shop");
    expect(groupOf(serverNameOf({ namespace: "bank", appId: "cart" }))).toBeUndefined();
    remove("a");
    expect(groupOf(name)).toBeUndefined();
  });
  it("changes with the pod, which leaves nothing behind", () => {
    const { put, group, routes } = assignment("namespace");
    put(pod("a", { ips: ["10.1.0.1"] }));
    put(pod("a", { ips: ["10.1.0.1"], isolation: "dedicated" }));
    expect(group("namespace/shop")?.pods.size).toBe(0);
    expect(routes.of("10.1.0.1")).toEqual({ group: "dedicated/shop/a" });
  });
});

describe("a group without pods", () => {
  it("goes a minute after its last one", async () => {
    const { put, remove, names } = assignment("namespace");
    put(pod("a"));
    remove("a");
    await clock.advance(59_999);
    expect(names()).toEqual(["namespace/shop"]);
    await clock.advance(1);
    expect(names()).toEqual([]);
    remove("a");
    remove("never there");
    put(pod("b"));
    expect(names()).toEqual(["namespace/shop"]);
    expect(processes.get("namespace/shop")).toHaveLength(2);
  });
  it("stays for the next Job, and for as long from then", async () => {
    const { put, remove, names } = assignment("namespace");
    put(pod("a"));
    remove("a");
    await clock.advance(59_000);
    put(pod("b"));
    await clock.advance(60_000);
    remove("b");
    await clock.advance(59_000);
    expect(names()).toEqual(["namespace/shop"]);
    expect(processes.get("namespace/shop")).toHaveLength(1);
    await clock.advance(1000);
    expect(names()).toEqual([]);
  });
});

describe("hosting that ends", () => {
  it("begins no groups that would not end with the others", async () => {
    const { put, drain, names, podOf, group } = assignment("namespace");
    put(pod("a"));
    const drained = drain(0, 0);
    put(pod("b", { namespace: "bank" }));
    put(pod("a", { isolation: "dedicated" }));
    put(pod("c"));
    await drained;
    expect(names()).toEqual(["namespace/shop"]);
    expect(podOf("b")).toBeUndefined();
    expect(podOf("a")?.settings.isolation).toBe("default");
    expect([...(group("namespace/shop")?.pods.keys() ?? [])]).toEqual(["a", "c"]);
    expect([...processes.keys()]).toEqual(["namespace/shop"]);
  });
});

describe("metrics of the groups", () => {
  it("are those of the groups that answer in time, each asked once", async () => {
    const all = assignment("namespace");
    metrics = createMetricsReader(all, clock, 100);
    all.put(pod("a"));
    all.put(pod("b", { namespace: "bank" }));
    all.put(pod("c", { namespace: "late" }));
    const [shop] = processes.get("namespace/shop") as [GroupProcessDouble];
    await shop.start();
    const [late] = processes.get("namespace/late") as [GroupProcessDouble];
    await late.start();
    const read = metrics.read();
    const asked = shop.told.find(({ type }) => type === "read-metrics") as { id: number };
    shop.say({ type: "metrics", id: asked.id, text: "shop's" });
    shop.say({ type: "metrics", id: asked.id, text: "again" });
    shop.say({ type: "metrics", id: 99, text: "nobody asked" });
    await clock.advance(100);
    // One has not started, one does not answer.
    expect(await read).toEqual(["shop's", "", ""]);
    expect(metrics.waiting).toBe(0);
  });
});
