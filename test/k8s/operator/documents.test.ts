import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeClient } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { type WatchedDocuments, watchDocuments } from "#k8s/operator/documents.ts";
import { clock } from "#targets/node/clock.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock, type FakeClock } from "#test/support/fake-clock.ts";
import { testHost, type TestHost } from "#test/support/host.ts";

let api: KubeApiDouble;
let client: KubeClient;
let host: TestHost;
let stop: AbortController;
let told: string[];
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  host = testHost();
  stop = new AbortController();
  told = [];
});
afterEach(async () => {
  stop.abort();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

function open(time: typeof clock | FakeClock = clock): WatchedDocuments {
  const documents = watchDocuments(client, { log: host.log, clock: time, signal: stop.signal });
  documents.onChange((namespace) => told.push(namespace));
  return documents;
}
function component(name: string, namespace = "shop", more: object = {}): KubeObject {
  return api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace },
    spec: { type: "state.in-memory", version: "v1" },
    ...more,
  });
}
const namesOf = (documents: WatchedDocuments, namespace = "shop"): readonly string[] =>
  documents.documentsOf(namespace).map(({ kind, metadata }) => `${kind}/${metadata.name}`);

describe("watchDocuments", () => {
  it("holds all five kinds of a namespace, by kind and name, and none of another", async () => {
    serveKinds(api);
    component("b");
    component("a");
    component("theirs", "other");
    for (const [kind, version] of [
      ["Configuration", "v1alpha1"],
      ["Resiliency", "v1alpha1"],
      ["HTTPEndpoint", "v1alpha1"],
      ["Subscription", "v2alpha1"],
    ])
      api.put({
        apiVersion: `dapr.io/${version}`,
        kind: kind as string,
        metadata: { name: "x", namespace: "shop" },
      });
    const documents = open();
    documents.add("shop");
    await documents.synced("shop");
    expect(namesOf(documents)).toEqual([
      "Configuration/x",
      "Component/a",
      "Component/b",
      "Resiliency/x",
      "HTTPEndpoint/x",
      "Subscription/x",
    ]);
    expect(documents.documentsOf("other")).toEqual([]);
  });
  it("holds documents without what the server keeps beside them", async () => {
    serveKinds(api);
    component("a", "shop", {
      metadata: {
        name: "a",
        namespace: "shop",
        managedFields: [{ manager: "kubectl" }],
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}", keep: "1" },
      },
      scopes: ["cart"],
      auth: { secretStore: "vault" },
      status: { nodes: [] },
    });
    const documents = open();
    documents.add("shop");
    await documents.synced("shop");
    expect(documents.documentsOf("shop")).toEqual([
      {
        apiVersion: "dapr.io/v1alpha1",
        kind: "Component",
        metadata: {
          name: "a",
          namespace: "shop",
          uid: expect.any(String),
          annotations: { keep: "1" },
        },
        spec: { type: "state.in-memory", version: "v1" },
        scopes: ["cart"],
        auth: { secretStore: "vault" },
      },
    ]);
  });
  it("tells changes that come together once, and each change of what counts", async () => {
    serveKinds(api);
    const documents = open();
    documents.add("shop");
    documents.add("shop");
    documents.add("other");
    await documents.synced("shop");
    await eventually(() => api.watches.length === 10);
    for (let i = 0; i < 20; i++) component(`c${i}`);
    await eventually(() => told.length > 0);
    expect(told).toEqual(["shop"]);
    expect(documents.documentsOf("shop")).toHaveLength(20);
    api.remove("/apis/dapr.io/v1alpha1/namespaces/shop/components/c0");
    await eventually(() => told.length === 2);
    expect(documents.documentsOf("shop")).toHaveLength(19);
    component("c1", "shop", { spec: { type: "state.redis" } });
    await eventually(() => told.length === 3);
    component("elsewhere", "third");
    component("theirs", "other");
    await eventually(() => told.length === 4);
    expect(told[3]).toBe("other");
  });
  it("takes no notice of a status that was written", async () => {
    serveKinds(api);
    component("a");
    const documents = open();
    documents.add("shop");
    await documents.synced("shop");
    await eventually(() => told.length === 1 && api.watches.length === 5);
    component("a", "shop", { status: { nodes: [{ node: "n1", ready: true }] } });
    component("b");
    await eventually(() => told.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(told).toHaveLength(2);
  });
  it("goes on after a listener that throws", async () => {
    serveKinds(api);
    const documents = watchDocuments(client, { log: host.log, clock, signal: stop.signal });
    documents.onChange(() => {
      throw new Error("no");
    });
    const takeAway = documents.onChange((namespace) => told.push(namespace));
    documents.add("shop");
    await documents.synced("shop");
    component("a");
    await eventually(() => told.length === 1);
    expect(host.lines.some(({ message }) => message.includes("Could not take"))).toBe(true);
    takeAway();
    component("b");
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(told).toHaveLength(1);
  });
  it("forgets a namespace, whose watches end", async () => {
    serveKinds(api);
    const documents = open();
    documents.add("shop");
    await documents.synced("shop");
    await eventually(() => api.watches.length === 5);
    documents.remove("shop");
    documents.remove("shop");
    await eventually(() => api.watches.length === 0);
    expect(documents.documentsOf("shop")).toEqual([]);
    await expect(documents.synced("shop")).rejects.toThrow("not held");
    documents.add("shop");
    await documents.synced("shop");
  });
  it("rejects for whoever waits for a namespace that goes", async () => {
    serveKinds(api);
    api.fail({ verb: "list", path: /components/, hang: true });
    const documents = open();
    documents.add("shop");
    const waiting = documents.synced("shop");
    documents.remove("shop");
    await expect(waiting).rejects.toThrow("not held");
    documents.add("other");
    documents[Symbol.dispose]();
    await expect(documents.synced("other")).rejects.toThrow("not held");
  });
});

describe("watchDocuments, kinds that the cluster lacks", () => {
  it("serves the others, says so once, and takes up what comes later", async () => {
    const take = serveKinds(api, { without: ["resiliencies", "httpendpoints"] });
    const time = fakeClock();
    const documents = open(time);
    documents.add("shop");
    await documents.synced("shop");
    component("a");
    await eventually(() => documents.documentsOf("shop").length === 1);
    await eventually(() => time.sleepers > 0);
    const warned = (): number =>
      host.lines.filter(({ message }) => message.includes("The cluster has no")).length;
    expect(warned()).toBe(2);
    await time.advance(31_000);
    expect(warned()).toBe(2);
    take();
    serveKinds(api);
    api.put({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Resiliency",
      metadata: { name: "r", namespace: "shop" },
    });
    await eventually(async () => {
      await time.advance(31_000);
      return documents.documentsOf("shop").length === 2;
    });
  });
  it("has nothing, and is synced, where no kind is there", async () => {
    const documents = open();
    documents.add("shop");
    await documents.synced("shop");
    expect(documents.documentsOf("shop")).toEqual([]);
  });
  it("reads subscriptions as v1alpha1 where there is no other, and as v2alpha1 once there is", async () => {
    const take = serveKinds(api, { versions: ["v1alpha1"] });
    api.put({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Subscription",
      metadata: { name: "x", namespace: "shop" },
    });
    const lists = (version: string): number =>
      api.requests.filter(
        ({ path }) => path === `/apis/dapr.io/${version}/namespaces/shop/subscriptions`,
      ).length;
    const time = fakeClock();
    const documents = open(time);
    documents.add("shop");
    await documents.synced("shop");
    expect(namesOf(documents)).toEqual(["Subscription/x"]);
    expect([lists("v1alpha1") > 0, lists("v2alpha1")]).toEqual([true, 0]);
    take();
    serveKinds(api);
    await eventually(async () => {
      await time.advance(31_000);
      return lists("v2alpha1") > 0;
    });
    await eventually(
      () => api.watches.filter(({ path }) => path.endsWith("/subscriptions")).length === 1,
    );
    expect(namesOf(documents)).toEqual(["Subscription/x"]);
  });
  it("waits for an API server that is away at the start", async () => {
    serveKinds(api);
    component("a");
    await api.stop();
    const documents = open();
    documents.add("shop");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await api.start();
    await documents.synced("shop");
    expect(namesOf(documents)).toEqual(["Component/a"]);
  });
  it("keeps what it has while the API server is away, and catches up", async () => {
    serveKinds(api);
    component("a");
    component("b");
    const documents = open();
    documents.add("shop");
    await documents.synced("shop");
    await api.stop();
    api.remove("/apis/dapr.io/v1alpha1/namespaces/shop/components/a");
    api.compact();
    expect(namesOf(documents)).toEqual(["Component/a", "Component/b"]);
    await api.start();
    await eventually(() => namesOf(documents).length === 1);
  });
  it("is not synced where a right is missing, and holds the rest", async () => {
    serveKinds(api);
    component("a");
    api.isAllowed = ({ resource }) => resource !== "configurations";
    const documents = open();
    documents.add("shop");
    await eventually(() => namesOf(documents).length === 1);
    const first = await Promise.race([
      documents.synced("shop").then(() => "synced"),
      new Promise((resolve) => setTimeout(resolve, 200, "waiting")),
    ]);
    expect(first).toBe("waiting");
    expect(host.lines.some(({ message }) => message.includes("not granted"))).toBe(true);
  });
  it.each(["null", "[]", '"x"', '{"resources": 1}', '{"resources": [null, 1]}'])(
    "takes %s as discovery without falling over",
    async (text) => {
      api.fail({ path: "/apis/dapr.io/v1alpha1", text, times: 1 });
      const documents = open();
      documents.add("shop");
      await eventually(() => api.requests.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(documents.documentsOf("shop")).toEqual([]);
    },
  );
});
