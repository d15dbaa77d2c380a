import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GroupCoordination } from "#targets/kubernetes/messages.ts";
import { kubeApi } from "#test/doubles/kube-api.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import {
  callFrom,
  type HttpAnswer,
  podApp,
  putPod,
  type TestNode,
  testNode,
  type TestPod,
} from "#test/support/node-cluster.ts";
import { describeWith } from "#test/support/services.ts";
import { testCa } from "#test/support/test-ca.ts";
import { type TwoNodes, twoNodes } from "#test/support/two-nodes.ts";

const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});
const kept = <T extends AsyncDisposable>(what: T): T => {
  open.push(() => what[Symbol.asyncDispose]());
  return what;
};

/** Of no other test. */
const group = (): string => `test-${process.pid}-${Math.random().toString(36).slice(2)}`;
const ids = Array.from({ length: 24 }, (_, i) => `a${i}`);

/** An app that hosts actors of type `cart`, and answers which of its pods it is. */
async function hostApp(ip: string, name: string): Promise<Awaited<ReturnType<typeof podApp>>> {
  return kept(
    await podApp(ip, 0, (path) =>
      path === "/dapr/config"
        ? { entities: ["cart"], drainOngoingCallTimeout: "1s" }
        : { by: name },
    ),
  );
}
function actorStore(redis: string): object {
  return {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace: "shop", name: "store" },
    spec: {
      type: "state.redis",
      version: "v1",
      metadata: [
        { name: "redisHost", value: redis },
        { name: "actorStateStore", value: "true" },
      ],
    },
  };
}

interface Caller {
  readonly pod: TestPod;
  readonly node: { readonly ip?: string; readonly port: () => number };
}
function ask({ pod, node }: Caller, path: string, body?: object): Promise<HttpAnswer> {
  return callFrom(pod.ip, node.port(), path, {
    ...(node.ip === undefined ? {} : { host: node.ip }),
    token: pod.token,
    ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
    headers: { "content-type": "application/json" },
  });
}
/** Which pod has run the actor's turn; fails where none has. */
async function ownerOf(caller: Caller, id: string): Promise<string> {
  const { status, body } = await ask(caller, `/v1.0/actors/cart/${id}/method/who`, {});
  if (status !== 200) throw new Error(`${status} ${body}`);
  return (JSON.parse(body) as { readonly by: string }).by;
}
async function owners(caller: Caller): Promise<readonly string[]> {
  return Promise.all(ids.map((id) => ownerOf(caller, id)));
}
/** Until calls come to these pods, each of which owns some actors. */
async function ownedBy(caller: Caller, names: readonly string[]): Promise<readonly string[]> {
  return eventually(
    async () => {
      const found = await owners(caller);
      const isRight =
        new Set(found).size === names.length && found.every((by) => names.includes(by));
      return isRight && found;
    },
    { withinMs: 15_000, what: `owners ${names.join()}` },
  );
}

await describeWith("redis", "actors of a node's pods", ({ address }) => {
  const redis = { type: "coordination.redis", metadata: { redishost: address } };
  let node: TestNode;
  let web: Caller;
  async function start(coordination?: Omit<GroupCoordination, "host">): Promise<void> {
    node = kept(
      await testNode({
        more: coordination ? { coordination: { ...coordination, host: "127.0.0.1" } } : {},
      }),
    );
    web = caller("web", "127.0.0.11");
  }
  function caller(name: string, ip: string, namespace = "shop"): Caller {
    const pod = putPod(node.api, { name, ip, namespace });
    return { pod, node: { port: () => node.port("http") } };
  }
  async function pod(name: string, ip: string): Promise<TestPod> {
    const { port } = await hostApp(ip, name);
    const annotations = { "dapr.io/app-port": String(port) };
    return putPod(node.api, { name, appId: "cart", ip, annotations });
  }

  it("are shared out among the pods of an app, whoever calls them", async () => {
    await start({ group: group(), driver: redis });
    node.api.put(actorStore(address) as never);
    const other = caller("other", "127.0.0.12");
    const one = await pod("cart-1", "127.0.0.21");
    await pod("cart-2", "127.0.0.22");
    await node.ready;
    const found = await ownedBy(web, ["cart-1", "cart-2"]);
    expect(await owners(other)).toEqual(found);
    expect(await owners({ pod: one, node: web.node })).toEqual(found);
    const { body } = await ask({ pod: one, node: web.node }, "/v1.0/metadata");
    expect(JSON.parse(body)).toMatchObject({
      actorRuntime: {
        runtimeStatus: "RUNNING",
        hostReady: true,
        activeActors: [{ type: "cart", count: found.filter((by) => by === "cart-1").length }],
      },
    });
  });
  it("are kept where the actor state store is, if nothing else is said", async () => {
    await start({ group: group() });
    node.api.put(actorStore(address) as never);
    await pod("cart-1", "127.0.0.21");
    await node.ready;
    await ownedBy(web, ["cart-1"]);
  });
  it("move at once from a pod that ends, or is not ready, and back", async () => {
    await start({ group: group(), driver: redis });
    node.api.put(actorStore(address) as never);
    const one = await pod("cart-1", "127.0.0.21");
    const two = await pod("cart-2", "127.0.0.22");
    await node.ready;
    await ownedBy(web, ["cart-1", "cart-2"]);
    const began = performance.now();
    one.set({ ending: true });
    await ownedBy(web, ["cart-2"]);
    // Sooner than its lease would end.
    expect(performance.now() - began).toBeLessThan(3000);
    one.remove();
    await pod("cart-3", "127.0.0.23");
    await ownedBy(web, ["cart-2", "cart-3"]);
    two.set({ ready: false });
    await ownedBy(web, ["cart-3"]);
    two.set({ ready: true });
    await ownedBy(web, ["cart-2", "cart-3"]);
  });
  it("are out of reach in another group where there is no authority, which is said at once", async () => {
    await start({ group: group(), driver: redis });
    node.api.put(actorStore(address) as never);
    const app = await hostApp("127.0.0.21", "cart-1");
    const annotations = {
      "dapr.io/app-port": String(app.port),
      "outrigger.dev/isolation": "dedicated",
    };
    const pod = putPod(node.api, { name: "cart", ip: "127.0.0.21", annotations });
    await node.ready;
    await ownedBy({ pod, node: web.node }, ["cart-1"]);
    const began = performance.now();
    expect(await ask(web, "/v1.0/actors/cart/a1/method/who", {})).toMatchObject({
      status: 500,
      body: expect.stringContaining(
        "without a certificate authority; set --sentry-address",
      ) as string,
    });
    expect(performance.now() - began).toBeLessThan(3000);
  });
  it("can be called by a pod that is not ready yet", async () => {
    await start({ group: group(), driver: redis });
    node.api.put(actorStore(address) as never);
    await pod("cart-1", "127.0.0.21");
    await node.ready;
    await ownedBy(web, ["cart-1"]);
    const early = putPod(node.api, {
      name: "early",
      ip: "127.0.0.13",
      ready: false,
      annotations: { "dapr.io/app-port": "3000" },
    });
    const from = { pod: early, node: web.node };
    expect(await eventually(() => ownerOf(from, "a1").catch(() => undefined))).toBe("cart-1");
  });
  it("are on once there is an actor state store, and jobs with them", async () => {
    await start({ group: group() });
    const app = await hostApp("127.0.0.21", "cart-1");
    const annotations = { "dapr.io/app-port": String(app.port) };
    const cart = {
      pod: putPod(node.api, { name: "cart", ip: "127.0.0.21", annotations }),
      node: web.node,
    };
    await node.ready;
    const actor = () => ask(web, "/v1.0/actors/cart/a1/method/who", {});
    const job = () => ask(cart, "/v1.0/jobs/nightly", { dueTime: "0s" });
    const off = await eventually(async () => {
      const answer = await actor();
      return answer.status === 400 && answer;
    });
    expect(JSON.parse(off.body)).toMatchObject({ errorCode: "ERR_ACTOR_NO_PLACEMENT" });
    expect((await job()).body).toContain("scheduler clients are disabled");
    node.api.put(actorStore(address) as never);
    await ownedBy(web, ["cart-1"]);
    expect((await job()).status).toBe(204);
    await eventually(() => app.calls.includes("POST /job/nightly"));
  });
});

describe("an app of a node without any coordination", () => {
  it.each([
    ["", {}],
    [", though one is wanted", { coordination: { group: group(), host: "127.0.0.1" } }],
  ])("has neither actors nor jobs%s", async (_, more) => {
    const node = kept(await testNode({ more: { ...more, logLevel: "warn" } }));
    const app = await hostApp("127.0.0.21", "cart");
    const annotations = { "dapr.io/app-port": String(app.port) };
    const pod = putPod(node.api, { name: "cart", ip: "127.0.0.21", annotations });
    const cart: Caller = { pod, node: { port: () => node.port("http") } };
    await node.ready;
    const answers = await eventually(async () => {
      const metadata = await ask(cart, "/v1.0/metadata");
      return metadata.status === 200 && JSON.parse(metadata.body);
    });
    expect(answers).toMatchObject({
      actorRuntime: {
        runtimeStatus: "DISABLED",
        hostReady: false,
        placement: "placement: disconnected",
      },
    });
    expect(answers).not.toHaveProperty("scheduler");
    const call = await ask(cart, "/v1.0/actors/cart/a1/method/who", {});
    expect([call.status, JSON.parse(call.body)]).toEqual([
      400,
      {
        errorCode: "ERR_ACTOR_NO_PLACEMENT",
        message: "placement service is not configured",
      },
    ]);
    expect((await ask(cart, "/v1.0/jobs/nightly")).body).toContain(
      "scheduler clients are disabled",
    );
  });
});

await describeWith("redis", "actors of two nodes", ({ address }) => {
  const driver = { type: "coordination.redis", metadata: { redishost: address } };
  let two: TwoNodes;
  beforeEach(async () => {
    two = kept(await twoNodes({ coordination: { group: group(), driver } }));
    two.api.put(actorStore(address) as never);
  }, 30_000);
  async function host(
    node: TwoNodes["nodes"][number],
    name: string,
    ip: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<TestPod> {
    const { port } = await hostApp(ip, name);
    const annotations = { "dapr.io/app-port": String(port), ...more };
    return node.put({ name, appId: "cart", ip, annotations });
  }
  const from = (node: TwoNodes["nodes"][number], name: string, ip: string): Caller => ({
    pod: node.put({ name, ip }),
    node: { ip: node.ip, port: () => node.runtime.port("http") },
  });

  it("are called from each of them, over mTLS, and move with their pods", async () => {
    const [first, second] = two.nodes;
    const near = from(first, "web", "127.0.0.11");
    const far = from(second, "shop", "127.0.0.12");
    await host(first, "cart-1", "127.0.0.21");
    const last = await host(second, "cart-2", "127.0.0.22");
    await host(second, "cart-3", "127.0.0.23");
    await Promise.all(two.nodes.map(({ runtime }) => runtime.ready));
    const found = await ownedBy(near, ["cart-1", "cart-2", "cart-3"]);
    expect(await ownedBy(far, ["cart-1", "cart-2", "cart-3"])).toEqual(found);
    last.set({ ending: true });
    await ownedBy(near, ["cart-1", "cart-3"]);
  });
  it("are called by apps of another group of the node", async () => {
    const [first] = two.nodes;
    const near = from(first, "web", "127.0.0.11");
    await host(first, "cart-1", "127.0.0.21", { "outrigger.dev/isolation": "dedicated" });
    await first.runtime.ready;
    await ownedBy(near, ["cart-1"]);
    const groups = first.runtime.groups().map(({ name }) => name);
    expect(groups.toSorted()).toEqual(["dedicated/shop/cart", "namespace/shop"]);
  });
  it("are not lost to callers while a runtime takes another's place", async () => {
    const [first, second] = two.nodes;
    const near = from(first, "web", "127.0.0.11");
    await host(second, "cart-1", "127.0.0.21");
    await host(second, "cart-2", "127.0.0.22");
    await Promise.all(two.nodes.map(({ runtime }) => runtime.ready));
    await ownedBy(near, ["cart-1", "cart-2"]);
    let isOver = false;
    let count = 0;
    let longestMs = 0;
    const calling = (async () => {
      while (!isOver) {
        const began = performance.now();
        count += (await owners(near)).length;
        longestMs = Math.max(longestMs, performance.now() - began);
      }
    })();
    // Its failure is what is looked at, in the end.
    calling.catch(() => {});
    const next = kept(await two.runtime(second.name, second.ip));
    await next.ready;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await second.runtime.stop();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    isOver = true;
    await calling;
    expect(count).toBeGreaterThan(100);
    // While both are there, each member is reached.
    expect(longestMs).toBeLessThan(1500);
  }, 60_000);
});

await describeWith("redis", "actors of two replicas of a Deployment", ({ address }) => {
  interface Replica {
    readonly ip: string;
    readonly node: TestNode;
    readonly port: () => number;
  }
  async function start() {
    const api = kept(await kubeApi());
    serveKinds(api);
    api.put(actorStore(address) as never);
    const ca = kept(await testCa({ validator: async (asked) => ({ proven: asked }) }));
    const internal = await freePort();
    const coordination = {
      group: group(),
      driver: { type: "coordination.redis", metadata: { redishost: address } },
    };
    const replica = async (ip: string): Promise<Replica> => {
      const scope = { namespaces: [] };
      const more = { ...ca.forNodes, scope, coordination: { ...coordination, host: ip } };
      const node = kept(await testNode({ api, hostIp: ip, ports: { internal }, more }));
      return { ip, node, port: () => node.port("http") };
    };
    const replicas = [await replica("127.0.0.1"), await replica("127.0.0.2")] as const;
    const web = putPod(api, { name: "web", ip: "127.0.0.11", node: "elsewhere" });
    const app = await hostApp("127.0.0.21", "cart-1");
    const annotations = { "dapr.io/app-port": String(app.port) };
    const cart = putPod(api, { name: "cart", ip: "127.0.0.21", node: "elsewhere", annotations });
    await Promise.all(replicas.map(({ node }) => node.ready));
    for (const node of replicas) await ownedBy({ pod: web, node }, ["cart-1"]);
    return { replicas, app, cart, web };
  }

  it("are run by one of them each, whichever is called", async () => {
    const { replicas, cart, web } = await start();
    const active = async (): Promise<readonly number[]> =>
      Promise.all(
        replicas.map(async (node) => {
          const { body } = await ask({ pod: cart, node }, "/v1.0/metadata");
          const { actorRuntime } = JSON.parse(body) as {
            readonly actorRuntime: {
              readonly activeActors?: ReadonlyArray<{ readonly count?: number }>;
            };
          };
          return actorRuntime.activeActors?.[0]?.count ?? 0;
        }),
      );
    for (let round = 0; round < 3; round++)
      for (const node of replicas) await ownedBy({ pod: web, node }, ["cart-1"]);
    const [one = 0, other = 0] = await active();
    expect(one).toBeGreaterThan(0);
    expect(one + other).toBe(ids.length);
  });
  it("keep state and timers, whichever replica their app's own calls come to", async () => {
    const { replicas, app, cart, web } = await start();
    const mine = ids.slice(0, 8).map((id) => `${id}-${Date.now()}`);
    for (const id of mine) await ownerOf({ pod: web, node: replicas[0] }, id);
    const at = (node: Replica, id: string, rest: string, method: string, body?: unknown) =>
      callFrom(cart.ip, node.port(), `/v1.0/actors/cart/${id}/${rest}`, {
        host: node.ip,
        token: cart.token,
        method,
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const timer = { dueTime: "100ms", period: "50ms", callback: "tick" };
    const ticks = (id: string): number =>
      app.calls.filter((call) => call.includes(`/${id}/method/timer/t`)).length;
    for (const [i, id] of mine.entries()) {
      const [one, other] = i % 2 === 0 ? replicas : replicas.toReversed();
      const ops = [{ operation: "upsert", request: { key: "k", value: i } }];
      expect(await at(one as Replica, id, "state", "POST", ops)).toMatchObject({ status: 204 });
      expect((await at(other as Replica, id, "state/k", "GET")).body).toBe(String(i));
      const gone = [{ operation: "delete", request: { key: "k" } }];
      expect(await at(other as Replica, id, "state", "POST", gone)).toMatchObject({ status: 204 });
      const registered = await at(one as Replica, id, "timers/t", "POST", timer);
      expect(registered).toMatchObject({ status: 204 });
      await eventually(() => ticks(id) > 1);
      expect(await at(other as Replica, id, "timers/t", "DELETE")).toMatchObject({ status: 204 });
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = mine.map(ticks);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(mine.map(ticks)).toEqual(before);
    // Of an actor that is active nowhere.
    const ops = [{ operation: "upsert", request: { key: "k", value: 1 } }];
    expect((await at(replicas[0], "nobody", "state", "POST", ops)).body).toContain(
      "ERR_ACTOR_INSTANCE_MISSING",
    );
  });
});
