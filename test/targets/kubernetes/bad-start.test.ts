import { afterEach, describe, expect, it } from "vitest";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  callFrom,
  hostIp,
  putPod,
  type TestNode,
  testNode,
  type TestPod,
} from "#test/support/node-cluster.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});
async function start(prepare: (api: KubeApiDouble) => void | Promise<void> = () => {}) {
  const api = await kubeApi();
  serveKinds(api);
  await prepare(api);
  const node = await testNode({ api });
  open.push(node, api);
  return { api, node };
}
const status = async (node: TestNode, pod: TestPod, path = "/v1.0/metadata"): Promise<number> =>
  (await callFrom(pod.ip, node.port("http"), path, { token: pod.token })).status;
const ready = (node: TestNode) => callFrom(hostIp, node.port("health"), "/readyz");
const store = (namespace: string): never =>
  ({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace, name: "store" },
    spec: { type: "state.in-memory", version: "v1", metadata: [] },
  }) as never;

describe("an API server that is away at the start", () => {
  it("is waited for, which is said; the ports open when it is back", async () => {
    const { api, node } = await start((double) => double.stop());
    expect(await callFrom(hostIp, node.port("health"), "/healthz")).toMatchObject({ status: 200 });
    const waits = await ready(node);
    expect(waits.status).toBe(503);
    expect(waits.body).toContain("the first list of pods");
    expect(await callFrom(hostIp, node.port("health"), "/elsewhere")).toMatchObject({
      status: 404,
    });
    expect(node.port("http")).toBeUndefined();
    const pod = putPod(api, { name: "cart", ip: "127.0.0.11" });
    await api.start();
    await node.ready;
    expect(await ready(node)).toMatchObject({ status: 200, body: "ok\n" });
    expect(await status(node, pod)).toBe(200);
  });
  it("does not keep the node from ending", async () => {
    const { node } = await start((double) => double.stop());
    const began = Date.now();
    await node.stop();
    expect(Date.now() - began).toBeLessThan(3000);
    await expect(callFrom(hostIp, node.port("health"), "/healthz")).rejects.toThrow();
  });
  it("that comes back while the node ends does not make it open its ports", async () => {
    const { api, node } = await start((double) => double.stop());
    putPod(api, { name: "cart", ip: "127.0.0.11" });
    const started = api.start();
    const stopped = node.stop();
    await Promise.all([started, stopped]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(node.port("http")).toBeUndefined();
  });
});

describe("a watch that fails", () => {
  it("because it is too old (410) loses nothing of what has come and gone meanwhile", async () => {
    const { api, node } = await start((double) => void double.put(store("shop")));
    const stays = putPod(api, { name: "stays", ip: "127.0.0.11" });
    const goes = putPod(api, { name: "db-0", ip: "127.0.0.12" });
    await node.ready;
    // Watches that hear of nothing, and then find that what they missed is forgotten.
    for (const watch of api.watches) watch.freeze();
    goes.remove();
    const again = putPod(api, { name: "db-0", ip: "127.0.0.12" });
    const comes = putPod(api, { name: "comes", ip: "127.0.0.13" });
    api.compact();
    for (const watch of api.watches) watch.cut();
    await eventually(async () => (await status(node, comes)) === 200, { withinMs: 15_000 });
    await eventually(async () => (await status(node, again)) === 200);
    expect(await status(node, stays)).toBe(200);
    // The pod of that name was another one: its token has ended.
    expect(await status(node, goes)).toBe(401);
  });
  it("because there are too many (429) is tried again, and apps go on", async () => {
    const { api, node } = await start();
    const cart = putPod(api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    api.fail({ path: "/api/v1/pods", status: 429, retryAfterSeconds: 1, times: 3 });
    for (const watch of api.watches) watch.cut();
    const late = putPod(api, { name: "late", ip: "127.0.0.12" });
    expect(await status(node, cart)).toBe(200);
    await eventually(async () => (await status(node, late)) === 200, { withinMs: 15_000 });
  });
  it("in every way at once does not end the node", async () => {
    const { api, node } = await start();
    const cart = putPod(api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    for (const watch of api.watches) {
      watch.write('{"type":"ADDED","object":null}\n');
      watch.write('{"type":"ADDED","object":{"metadata":{}}}\n');
      watch.write('{"type":"MODIFIED","object":{"metadata":{"name":"x","annotations":5}}}\n');
      watch.write('{"type":"NONSENSE"}\n[]\nnull\n"x"\n{');
      watch.cut();
    }
    const late = putPod(api, { name: "late", ip: "127.0.0.12" });
    await eventually(async () => (await status(node, late)) === 200, { withinMs: 15_000 });
    expect(await status(node, cart)).toBe(200);
  });
});

describe("a namespace without rights", () => {
  it("has its apps without documents after a while, and others wait for nothing of it", async () => {
    const { api, node } = await start((double) => {
      double.isAllowed = ({ group, resource, namespace }) =>
        namespace !== "locked" || (group !== "dapr.io" && resource !== "secrets");
      double.put(store("shop"));
      double.put(store("locked"));
    });
    const cart = putPod(api, { name: "cart", ip: "127.0.0.11" });
    await node.ready;
    const pod = putPod(api, { name: "vault", namespace: "locked", ip: "127.0.0.12" });
    expect(await status(node, cart, "/v1.0/state/store/k")).toBe(204);
    await eventually(async () => (await status(node, pod)) === 200, { withinMs: 25_000 });
    expect(await status(node, pod, "/v1.0/state/store/k")).toBe(500);
    const secrets = await status(node, pod, "/v1.0/secrets/kubernetes/s");
    expect([403, 500]).toContain(secrets);
    expect(node.logs.join("\n")).toMatch(/locked.*forbidden/i);
  }, 60_000);
});
