import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { callFrom, podApp, putPod, type TestNode, testNode } from "#test/support/node-cluster.ts";
import { getText, http2From, rawFrom } from "#test/support/raw-from.ts";

const component = (namespace: string, name: string, type: string, more: object = {}) => ({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { namespace, name },
  spec: { type, version: "v1", metadata: [] },
  ...more,
});

let node: TestNode;
const http = (): number => node.port("http");
beforeEach(async () => {
  node = await testNode();
  node.api.put(component("shop", "store", "state.in-memory"));
  node.api.put(component("bank", "store", "state.in-memory"));
}, 30_000);
afterEach(() => node[Symbol.asyncDispose]());

describe("a runtime that a node's pods share", () => {
  it("serves each pod as its own app, in a process for each namespace", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    const vault = putPod(node.api, { name: "vault", namespace: "bank", ip: "127.0.0.12" });
    await node.ready;
    const save = (pod: typeof cart, value: string) =>
      callFrom(pod.ip, http(), "/v1.0/state/store", {
        token: pod.token,
        method: "POST",
        body: JSON.stringify([{ key: "k", value }]),
        headers: { "content-type": "application/json" },
      });
    expect(await save(cart, "cart's")).toMatchObject({ status: 204 });
    expect(await save(vault, "vault's")).toMatchObject({ status: 204 });
    const read = (pod: typeof cart) =>
      callFrom(pod.ip, http(), "/v1.0/state/store/k", { token: pod.token });
    expect((await read(cart)).body).toBe('"cart\'s"');
    expect((await read(vault)).body).toBe('"vault\'s"');
    expect(
      node
        .groups()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["namespace/bank", "namespace/shop"]);
    const { body } = await callFrom(cart.ip, http(), "/v1.0/metadata", { token: cart.token });
    expect(JSON.parse(body)).toMatchObject({ id: "cart" });
  });

  it("refuses whoever is not the pod of the token", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    const vault = putPod(node.api, { name: "vault", namespace: "bank", ip: "127.0.0.12" });
    await node.ready;
    const get = (from: string, token?: string) =>
      callFrom(from, http(), "/v1.0/metadata", token === undefined ? {} : { token });
    // Of another pod of the node, in another group.
    expect(await get(vault.ip, cart.token)).toMatchObject({ status: 401 });
    // Of an address that no pod of this node has: reachable, and nobody.
    expect(await get("127.0.0.99", cart.token)).toMatchObject({ status: 403 });
    expect(await get(cart.ip)).toMatchObject({ status: 401 });
    expect(await get(cart.ip, "guess")).toMatchObject({ status: 401 });
    await expect(get("127.0.0.99", "guess")).resolves.toMatchObject({ status: 403 });
    expect(await get(cart.ip, cart.token)).toMatchObject({ status: 200 });
  });

  it("ends a connection that has come to the wrong process, and no others", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    const say = (token: string): string => getText("/v1.0/metadata", { "dapr-api-token": token });
    const known = await rawFrom(cart.ip, http());
    known.write(say(cart.token) + say("guess") + say(cart.token));
    expect(await known.statuses(3)).toEqual([200, 401, 200]);
    // The node has one group: all connections are its. Its pod is not known yet.
    const early = await rawFrom("127.0.0.12", http());
    early.write(say("not-known-yet"));
    expect(await early.statuses(1)).toEqual([401]);
    await early.closed(2000);
    for (const port of [http(), node.port("grpc")]) {
      const session = http2From("127.0.0.12", port);
      const ended = once(session, "close");
      const stream = session.request({
        ":method": "POST",
        ":path": "/dapr.proto.runtime.v1.Dapr/GetMetadata",
        "content-type": "application/grpc",
        "dapr-api-token": "not-known-yet",
        te: "trailers",
      });
      stream.resume().end();
      const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
      if (port === http()) expect(headers[":status"]).toBe(401);
      else expect(headers["grpc-status"]).toBe("16");
      await ended;
    }
  });

  it("ends a pod's token, locks and connections with the pod", async () => {
    node.api.put(
      component("shop", "redislock", "lock.redis", {
        spec: {
          type: "lock.redis",
          version: "v1",
          metadata: [{ name: "redisHost", value: "127.0.0.1:6379" }],
        },
      }),
    );
    const one = putPod(node.api, { name: "one", appId: "worker", ip: "127.0.0.11" });
    const two = putPod(node.api, { name: "two", appId: "worker", ip: "127.0.0.12" });
    await node.ready;
    const resource = `r-${process.pid}-${Date.now()}`;
    const lock = (pod: typeof one) =>
      callFrom(pod.ip, http(), "/v1.0-alpha1/lock/redislock", {
        token: pod.token,
        method: "POST",
        body: JSON.stringify({ resourceId: resource, lockOwner: pod.ip, expiryInSeconds: 60 }),
      });
    expect(JSON.parse((await lock(one)).body)).toEqual({ success: true });
    expect(JSON.parse((await lock(two)).body)).toEqual({ success: false });
    one.set({ phase: "Succeeded" });
    await eventually(async () => JSON.parse((await lock(two)).body).success === true, {
      what: "the lock of a pod that has ended",
    });
    const late = callFrom(one.ip, http(), "/v1.0/metadata", { token: one.token });
    expect(await late).toMatchObject({ status: 401 });
  });

  it("calls a pod at its new address, where its sandbox had to be made anew", async () => {
    await using before = await podApp("127.0.0.12", 0, () => ({ by: "before" }));
    await using after = await podApp("127.0.0.13", before.port, () => ({ by: "after" }));
    const orders = putPod(node.api, {
      name: "orders",
      ip: "127.0.0.12",
      annotations: { "dapr.io/app-port": String(before.port) },
    });
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    const by = async (): Promise<unknown> => {
      const { body } = await callFrom(cart.ip, http(), "/v1.0/invoke/orders/method/m", {
        token: cart.token,
      });
      return (JSON.parse(body) as { by?: unknown }).by;
    };
    await eventually(async () => (await by()) === "before");
    orders.set({ ip: "127.0.0.13" });
    await eventually(async () => (await by()) === "after");
    expect(after.calls.length).toBeGreaterThan(0);
  });

  it("takes over documents that change while an app opens", async () => {
    // A broker that says nothing for as long as the component may take to open.
    const mute = createServer((socket) => socket.on("error", () => {}).resume());
    await new Promise<void>((done) => mute.listen(0, "127.0.0.1", done));
    const { port } = mute.address() as AddressInfo;
    node.api.put(
      component("slow", "mute", "state.redis", {
        spec: {
          type: "state.redis",
          version: "v1",
          initTimeout: "3s",
          metadata: [{ name: "redisHost", value: `127.0.0.1:${port}` }],
        },
      }),
    );
    const connected = once(mute, "connection");
    const pod = putPod(node.api, { name: "early", namespace: "slow", ip: "127.0.0.14" });
    await connected;
    node.api.put(component("slow", "late", "state.in-memory"));
    await eventually(
      async () => {
        const { status, body } = await callFrom(pod.ip, http(), "/v1.0/metadata", {
          token: pod.token,
        });
        return status === 200 && body.includes('"late"');
      },
      { withinMs: 10_000, what: "the component that came late" },
    );
    mute.close();
  });

  it("calls from one app to another stay in the process, and see a ready replica", async () => {
    await using up = await podApp("127.0.0.12", 0, (path) => ({ path, by: "up" }));
    await using down = await podApp("127.0.0.13", up.port, (path) => ({ path, by: "down" }));
    const annotations = { "dapr.io/app-port": String(up.port) };
    const caller = putPod(node.api, { name: "caller", ip: "127.0.0.11" });
    putPod(node.api, { name: "up", appId: "callee", ip: "127.0.0.12", annotations });
    putPod(node.api, {
      name: "down",
      appId: "callee",
      ip: "127.0.0.13",
      ready: false,
      annotations,
    });
    await node.ready;
    for (let i = 0; i < 4; i++) {
      const { status, body } = await callFrom(
        caller.ip,
        http(),
        "/v1.0/invoke/callee/method/hello?x=1",
        { token: caller.token },
      );
      expect(status).toBe(200);
      expect(JSON.parse(body)).toEqual({ path: "/hello?x=1", by: "up" });
    }
    expect(down.calls).toEqual([]);
  });

  it("starts subscriptions when the app is ready, and stops them when its pod is to end", async () => {
    node.api.put(component("shop", "bus", "pubsub.in-memory"));
    await using app = await podApp("127.0.0.12", 0, (path) =>
      path === "/dapr/subscribe" ? [{ pubsubname: "bus", topic: "t", route: "/on-t" }] : {},
    );
    const publisher = putPod(node.api, { name: "publisher", ip: "127.0.0.11" });
    const sub = putPod(node.api, {
      name: "sub",
      ip: "127.0.0.12",
      ready: false,
      annotations: { "dapr.io/app-port": String(app.port) },
    });
    await node.ready;
    const publish = () =>
      callFrom(publisher.ip, http(), "/v1.0/publish/bus/t", {
        token: publisher.token,
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      });
    expect(await publish()).toMatchObject({ status: 204 });
    expect(app.calls).toEqual([]);
    sub.set({ ready: true });
    await eventually(() => app.calls.includes("GET /dapr/subscribe"));
    await eventually(async () => {
      await publish();
      return app.calls.includes("POST /on-t");
    });
    sub.set({ ending: true });
    await eventually(async () => {
      const before = app.calls.length;
      await publish();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return app.calls.length === before;
    });
    // What the app calls goes on until it is gone.
    expect(await callFrom(sub.ip, http(), "/v1.0/healthz", { token: sub.token })).toMatchObject({
      status: 204,
    });
  });

  it("a call by HTTP/1 finds its process before the pod's address is known", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "" });
    putPod(node.api, { name: "vault", namespace: "bank", ip: "" });
    await node.ready;
    const { status, body } = await callFrom("127.0.0.11", http(), "/v1.0/state/store", {
      token: cart.token,
      method: "POST",
      body: JSON.stringify([{ key: "k", value: "x".repeat(100_000) }]),
    });
    expect({ status, body }).toEqual({ status: 204, body: "" });
    const read = await callFrom("127.0.0.11", http(), "/v1.0/state/store/k", { token: cart.token });
    expect(read.body.length).toBe(100_002);
  });

  it("a process that dies takes its group along only, and is back within a second", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    const vault = putPod(node.api, { name: "vault", namespace: "bank", ip: "127.0.0.12" });
    await node.ready;
    const bank = node.groups().find(({ name }) => name === "namespace/bank");
    process.kill(bank?.pid as number, "SIGKILL");
    await eventually(() => node.groups().some(({ restarts }) => restarts === 1));
    const other = await callFrom(cart.ip, http(), "/v1.0/metadata", { token: cart.token });
    expect(other.status).toBe(200);
    // Held until the process is back.
    const held = await callFrom(vault.ip, http(), "/v1.0/metadata", { token: vault.token });
    expect(held.status).toBe(200);
  });

  it("follows documents, and tells the cluster how components fare", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    node.api.put(component("shop", "broken", "state.nothing"));
    const names = async () => {
      const { body } = await callFrom(cart.ip, http(), "/v1.0/metadata", { token: cart.token });
      return (JSON.parse(body) as { components: Array<{ name: string }> }).components.map(
        ({ name }) => name,
      );
    };
    node.api.put(component("shop", "second", "state.in-memory"));
    await eventually(async () => (await names()).includes("second"));
    const statusOf = (name: string) =>
      (
        node.api.get(`/apis/dapr.io/v1alpha1/namespaces/shop/components/${name}`) as unknown as {
          status?: {
            nodes?: Array<{ node: string; ready: boolean; reason: string; message: string }>;
          };
        }
      ).status?.nodes?.[0];
    await eventually(() => statusOf("second")?.ready === true, { withinMs: 15_000 });
    await eventually(() => statusOf("broken")?.ready === false);
    expect(statusOf("broken")?.message).toContain("state.nothing");
    node.api.remove("/apis/dapr.io/v1alpha1/namespaces/shop/components/second");
    await eventually(async () => !(await names()).includes("second"));
  });

  it("reads secrets only for the namespaces of a group, through the supervisor", async () => {
    const secret = (namespace: string, value: string) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: "s" },
      data: { k: Buffer.from(value).toString("base64") },
    });
    node.api.put(secret("shop", "shop's"));
    node.api.put(secret("bank", "bank's"));
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    const read = (query: string) =>
      callFrom(cart.ip, http(), `/v1.0/secrets/kubernetes/s${query}`, { token: cart.token });
    const own = await read("");
    expect(own.status).toBe(200);
    expect(JSON.parse(own.body)).toEqual({ k: "shop's" });
    const foreign = await read("?metadata.namespace=bank");
    expect(foreign.status).toBeGreaterThanOrEqual(400);
    expect(foreign.body).not.toContain("bank's");
  });

  it("shows the metrics of all groups by app and namespace", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    const vault = putPod(node.api, { name: "cart", namespace: "bank", ip: "127.0.0.12" });
    await node.ready;
    for (const pod of [cart, vault])
      await callFrom(pod.ip, http(), "/v1.0/metadata", { token: pod.token });
    const { body } = await callFrom("127.0.0.1", node.port("metrics"), "/metrics");
    for (const namespace of ["shop", "bank"])
      expect(body).toMatch(
        new RegExp(`dapr_http_server_request_count\\{app_id="cart",[^}]*namespace="${namespace}"`),
      );
    expect(body).toMatch(/outrigger_group_resident_memory_bytes\{group="namespace\/bank"\} [1-9]/);
    expect(body.match(/# TYPE dapr_http_server_request_count /g)).toHaveLength(1);
  });

  it("serves on while the API server is away, and lets nobody in whom it does not know", async () => {
    const cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    await node.api.stop();
    const get = (token: string) => callFrom(cart.ip, http(), "/v1.0/metadata", { token });
    for (let i = 0; i < 5; i++) expect(await get(cart.token)).toMatchObject({ status: 200 });
    // It could be the token of a pod that got the address meanwhile.
    await eventually(async () => (await get("guess")).status === 503);
    await node.api.start();
    const late = putPod(node.api, { name: "late", ip: "127.0.0.13" });
    await eventually(
      async () =>
        (await callFrom(late.ip, http(), "/v1.0/metadata", { token: late.token })).status === 200,
      { withinMs: 15_000 },
    );
  });
});
