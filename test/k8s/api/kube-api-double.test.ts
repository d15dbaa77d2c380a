import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod, Status } from "#k8s/api/objects.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { parsePath, pathOf } from "#test/doubles/kube-api/paths.ts";
import { eventually } from "#test/support/eventually.ts";
import { pod } from "./support.ts";

/** What other tests build on: that the double answers as an API server does. */
let api: KubeApiDouble;
let client: KubeClient;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});
const pods = "/api/v1/namespaces/shop/pods";

describe("objects", () => {
  it("are refused as Kubernetes refuses them", async () => {
    const refused = (work: Promise<unknown>, code: number): Promise<void> =>
      expect(work).rejects.toMatchObject({ code });
    api.put(pod("a"));
    await refused(client.request("POST", pods, { body: pod("a") }), 409);
    await refused(client.request("POST", pods, { body: { metadata: {} } }), 422);
    await refused(client.request("GET", `${pods}/b`), 404);
    await refused(client.request("DELETE", `${pods}/b`), 404);
    await refused(client.request("PUT", `${pods}/b`, { body: pod("b") }), 404);
    await refused(client.request("GET", "/healthz/x/y"), 404);
    const stale = { ...pod("a"), metadata: { name: "a", resourceVersion: "1" } };
    await refused(client.request("PUT", `${pods}/a`, { body: stale }), 409);
    await refused(
      client.request("PATCH", `${pods}/a`, { body: {}, contentType: "application/json" }),
      415,
    );
    const wrong = { preconditions: { uid: "other" } };
    await refused(client.request("DELETE", `${pods}/a`, { body: wrong }), 409);
  });
  it("their status is changed by its own path only", async () => {
    api.put(pod("a", { status: { phase: "Pending" } }));
    const changed = { ...pod("a"), spec: { nodeName: "n1" }, status: { phase: "Running" } };
    await client.request("PUT", `${pods}/a`, { body: changed });
    expect(api.get(`${pods}/a`)).toMatchObject({
      spec: { nodeName: "n1" },
      status: { phase: "Pending" },
    });
    await client.request("PATCH", `${pods}/a/status`, {
      body: { spec: null, status: { phase: "Failed" } },
    });
    expect(api.get(`${pods}/a`)).toMatchObject({
      spec: { nodeName: "n1" },
      status: { phase: "Failed" },
    });
  });
  it("are selected by fields and labels", async () => {
    api.put({
      ...pod("a", { spec: { nodeName: "n1" } }),
      metadata: { namespace: "shop", name: "a", labels: { app: "x" } },
    });
    api.put(pod("b", { spec: { nodeName: "n2" } }));
    const names = async (query: string): Promise<string[]> => {
      const { items } = await client.request<{ items: Pod[] }>("GET", `${pods}?${query}`);
      return items.map(({ metadata }) => metadata.name ?? "");
    };
    expect(await names("fieldSelector=spec.nodeName%3Dn1")).toEqual(["a"]);
    expect(await names("fieldSelector=metadata.name!%3Da")).toEqual(["b"]);
    expect(await names("labelSelector=app%3Dx")).toEqual(["a"]);
    expect(await names("labelSelector=app")).toEqual(["a"]);
    expect(await names("labelSelector=!app")).toEqual(["b"]);
  });
  it("paths of any kind", () => {
    expect(parsePath("/api/v1/namespaces/shop")).toMatchObject({
      plural: "namespaces",
      name: "shop",
    });
    expect(parsePath("/api/v1/namespaces/shop/status")).toMatchObject({ subresource: "status" });
    expect(parsePath("/version")).toBeUndefined();
    const of = (apiVersion: string, kind: string): string =>
      pathOf({ apiVersion, kind, metadata: { namespace: "shop", name: "a" } });
    expect(of("dapr.io/v1alpha1", "Resiliency")).toBe(
      "/apis/dapr.io/v1alpha1/namespaces/shop/resiliencies/a",
    );
    expect(of("dapr.io/v1alpha1", "HTTPEndpoint")).toMatch(/httpendpoints\/a$/);
    expect(of("v1", "Node")).toBe("/api/v1/nodes/a");
  });
});

describe("users, faults and watches", () => {
  it("401 without a good token, 403 without the right", async () => {
    api.users.set("t", { username: "jane" });
    api.isAllowed = ({ user, verb, resource }) =>
      user?.username === "jane" && verb === "list" && resource === "pods";
    await expect(client.request("GET", pods)).rejects.toMatchObject({ code: 401 });
    await using jane = openClient(api.access("t"));
    await jane.request("GET", pods);
    await expect(jane.request("GET", `${pods}/a`)).rejects.toMatchObject({ code: 403 });
  });
  it("a watch from before a compaction gets a 410 as its only event", async () => {
    api.put(pod("a"));
    api.compact();
    const seen: unknown[] = [];
    const path = `${pods}?watch=true&resourceVersion=100`;
    for await (const { type, object } of client.watch<Status>(path, new AbortController()))
      seen.push([type, object.code, object.reason]);
    expect(seen).toEqual([["ERROR", 410, "Expired"]]);
  });
  it("ends watches when their time is over, and sends bookmarks by itself where it is told to", async () => {
    await using ticking = await kubeApi({ bookmarkEveryMs: 20 });
    await using other = openClient(ticking.access());
    const types = new Set<string>();
    const path = `${pods}?watch=true&allowWatchBookmarks=true&timeoutSeconds=1`;
    for await (const { type } of other.watch(path, new AbortController())) types.add(type);
    expect([...types]).toEqual(["BOOKMARK"]);
  });
  it("stops and starts on the same port, and keeps what it has", async () => {
    api.put(pod("a"));
    await api.stop();
    await expect(client.request("GET", pods)).rejects.toMatchObject({ code: 0 });
    await api.start();
    await eventually(() => client.request("GET", `${pods}/a`).then(() => true));
  });
});
