import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openClient } from "#k8s/api/open-client.ts";
import { clock } from "#targets/node/clock.ts";
import { type AppNodes, createAppNodes } from "#targets/kubernetes/supervisor/app-nodes.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { putPod } from "#test/support/node-cluster.ts";

let api: KubeApiDouble;
let client: ReturnType<typeof openClient>;
let nodes: AppNodes;
let told: string[];
let passedMs: number;
let runtime: string | undefined;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  told = [];
  passedMs = 0;
  runtime = undefined;
  nodes = createAppNodes({
    client,
    internalPort: 50_002,
    hostOf: (namespace) => (namespace === "shop" ? runtime : undefined),
    clock: { ...clock, now: () => clock.now() + passedMs },
    log: keptLog(),
    changed: ({ namespace, appId }, hosts) =>
      told.push(`${namespace}/${appId} ${hosts.join(" ") || "nowhere"}`),
    forgotten: ({ namespace, appId }) => told.push(`${namespace}/${appId} forgotten`),
  });
});
afterEach(async () => {
  nodes[Symbol.dispose]();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

const cart = { namespace: "shop", appId: "cart" };
const put = (name: string, hostIp: string, ready = true, appId = "cart") =>
  putPod(api, { name, appId, ip: `10.1.0.${name.length}`, hostIp, ready });
const watches = (): number => api.watches.length;

describe("where in the cluster an app runs", () => {
  it("is on the nodes with pods that are ready, each named once", async () => {
    put("a", "10.0.0.2");
    put("b", "10.0.0.1");
    put("c", "10.0.0.1");
    put("d", "10.0.0.3", false);
    put("e", "10.0.0.4", true, "other");
    expect(await nodes.find(cart)).toEqual(["10.0.0.1", "10.0.0.2"]);
  });
  it("is on those that are not ready where none is", async () => {
    put("a", "10.0.0.2", false);
    put("b", "10.0.0.1").set({ ending: true });
    put("c", "10.0.0.5").set({ phase: "Succeeded" });
    expect(await nodes.find(cart)).toEqual(["10.0.0.2"]);
  });
  it("is nowhere in other namespaces, and where a label lies about the annotation", async () => {
    put("a", "10.0.0.2");
    expect(await nodes.find({ namespace: "bank", appId: "cart" })).toEqual([]);
    const { metadata, ...pod } = put("b", "10.0.0.9", true, "liar").pod;
    api.put({ ...pod, metadata: { ...metadata, labels: { "outrigger.dev/app-id": "cart" } } });
    expect(await nodes.find(cart)).toEqual(["10.0.0.2"]);
  });
  it("is told again when it changes, once for each change of nodes", async () => {
    const a = put("a", "10.0.0.2");
    await nodes.find(cart);
    const b = put("b", "10.0.0.1");
    await eventually(() => told.length === 1);
    b.set({ ready: false });
    await eventually(() => told.length === 2);
    put("c", "10.0.0.2");
    a.set({ ending: true });
    b.remove();
    put("d", "10.0.0.7");
    await eventually(() => told.at(-1)?.includes("10.0.0.7"));
    expect(told).toEqual([
      "shop/cart 10.0.0.1 10.0.0.2",
      "shop/cart 10.0.0.2",
      "shop/cart 10.0.0.2 10.0.0.7",
    ]);
  });
  it("is told everybody, also where it is first seen by who asks again", async () => {
    put("a", "10.0.0.2");
    await nodes.find(cart);
    let found: Promise<readonly string[]> | undefined;
    const immediate = vi.spyOn(globalThis, "setImmediate").mockImplementation((() => {
      // It has changed, and nobody has been told.
      found ??= nodes.find(cart);
    }) as never);
    put("b", "10.0.0.1");
    await eventually(() => found !== undefined);
    immediate.mockRestore();
    expect(await found).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(told).toEqual(["shop/cart 10.0.0.1 10.0.0.2"]);
  });
  it("is at the one runtime that hosts its namespace, wherever its pods are, but for those with their own", async () => {
    runtime = "127.0.0.1";
    const a = put("a", "10.0.0.2", false);
    const b = put("b", "10.0.0.3", false);
    expect(await nodes.find(cart)).toEqual(["127.0.0.1"]);
    a.set({ ready: true });
    b.remove();
    const annotations = { "outrigger.dev/injected": "sidecar" };
    putPod(api, { name: "own", appId: "cart", ip: "10.1.0.9", hostIp: "10.0.0.9", annotations });
    await eventually(() => told.length > 0);
    a.set({ ending: true });
    await eventually(() => told.length > 1);
    // With pods on other nodes nothing has changed.
    expect(told).toEqual(["shop/cart 10.1.0.9 127.0.0.1", "shop/cart 10.1.0.9"]);
    putPod(api, {
      name: "far",
      namespace: "bank",
      appId: "cart",
      ip: "10.1.0.8",
      hostIp: "10.0.0.8",
    });
    expect(await nodes.find({ namespace: "bank", appId: "cart" })).toEqual(["10.0.0.8"]);
  });
  it("is followed by one watch, however often it is asked for", async () => {
    put("a", "10.0.0.2");
    await Promise.all(Array.from({ length: 20 }, () => nodes.find(cart)));
    await eventually(() => watches() === 1);
  });
  it("is followed for a hundred names that nobody has, and no more", async () => {
    put("a", "10.0.0.2");
    await nodes.find(cart);
    for (let i = 0; i < 150; i++) await nodes.find({ namespace: "shop", appId: `guess-${i}` });
    await eventually(() => watches() <= 103 && watches() > 90);
    // The app that there is has not lost its place.
    put("b", "10.0.0.1");
    await eventually(() => told.includes("shop/cart 10.0.0.1 10.0.0.2"));
  });
  it("is followed for as long as it is asked for, and its end is told", async () => {
    const other = { namespace: "shop", appId: "other" };
    put("a", "10.0.0.2");
    put("bb", "10.0.0.3", true, "other");
    await Promise.all([nodes.find(cart), nodes.find(other)]);
    passedMs = 20 * 60_000;
    await nodes.find(cart);
    passedMs = 40 * 60_000;
    await nodes.find({ namespace: "shop", appId: "third" });
    expect(told).toEqual(["shop/other forgotten"]);
    put("ccc", "10.0.0.1");
    put("dddd", "10.0.0.1", true, "other");
    await eventually(() => told.includes("shop/cart 10.0.0.1 10.0.0.2"));
    expect(told).toHaveLength(2);
    expect(await nodes.find(other)).toEqual(["10.0.0.1", "10.0.0.3"]);
  });
  it("cannot be said while the API server is away, and is known on once it was asked for", async () => {
    put("a", "10.0.0.2");
    await nodes.find(cart);
    await api.stop();
    expect(await nodes.find(cart)).toEqual(["10.0.0.2"]);
    await expect(nodes.find({ namespace: "shop", appId: "other" })).rejects.toThrow(
      "the API server did not report in time",
    );
    await api.start();
  });
});
