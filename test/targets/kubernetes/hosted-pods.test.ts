import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openClient } from "#k8s/api/open-client.ts";
import type { WatchedDocuments } from "#k8s/operator/documents.ts";
import { type HostedPods, hostPods } from "#targets/kubernetes/supervisor/hosted-pods.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { putPod } from "#test/support/node-cluster.ts";

let api: KubeApiDouble;
let client: ReturnType<typeof openClient>;
let clock: FakeClock;
let stop: AbortController;
let pods: HostedPods;
/** What was done, in order. */
let done: string[];
/** Of each time that a namespace was added. */
let synced: PromiseWithResolvers<void>[];

beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  clock = fakeClock();
  stop = new AbortController();
  done = [];
  synced = [];
  const documents: Pick<WatchedDocuments, "add" | "remove" | "synced"> = {
    add: (namespace) => {
      done.push(`documents of ${namespace}`);
      synced.push(Promise.withResolvers());
    },
    remove: (namespace) => {
      done.push(`no documents of ${namespace}`);
      synced.at(-1)?.promise.catch(() => {});
      synced.at(-1)?.reject(new Error("not held"));
    },
    synced: async () => synced.at(-1)?.promise,
  };
  pods = hostPods({
    client,
    scope: { node: "node-1" },
    documents: documents as WatchedDocuments,
    assignment: {
      put: ({ name, isReady }) => done.push(`${name} is ${isReady ? "ready" : "there"}`),
      remove: () => done.push("removed"),
    },
    warn: ({ name }, reason) => done.push(`${name}: ${reason}`),
    before: Promise.resolve(),
    gone: () => done.push("gone"),
    namespaceGone: (namespace) => done.push(`nobody in ${namespace}`),
    log: keptLog(),
    clock,
    signal: stop.signal,
  });
  await eventually(() => api.watches.length === 1);
});
afterEach(async () => {
  stop.abort();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});
const does = (...expected: string[]): Promise<unknown> =>
  eventually(() => {
    expect(done).toEqual(expected);
    return true;
  });
const put = (name: string) => putPod(api, { name, ip: "10.1.0.1", ready: false });

describe("pods of a namespace whose documents cannot be listed", () => {
  it("wait for them once, and their later news for nothing", async () => {
    const pod = put("a");
    await does("documents of shop");
    await clock.advance(14_999);
    expect(done).toEqual(["documents of shop"]);
    await clock.advance(1);
    await does("documents of shop", "a is there");
    pod.set({ ready: true });
    put("b");
    await does("documents of shop", "a is there", "a is ready", "b is there");
  });
  it("wait again where the namespace was left meanwhile", async () => {
    const pod = put("a");
    await does("documents of shop");
    pod.remove();
    const left = ["removed", "gone", "nobody in shop", "no documents of shop"];
    await does("documents of shop", ...left);
    put("a");
    await does("documents of shop", ...left, "documents of shop");
    synced.at(-1)?.resolve();
    await does("documents of shop", ...left, "documents of shop", "a is there");
  });
  it("do not keep the ports closed", async () => {
    put("a");
    await does("documents of shop");
    await clock.advance(15_000);
    await pods.synced;
  });
});

describe("a pod that cannot be read any more", () => {
  it("is hosted no longer, and nothing of it is remembered", async () => {
    const { pod } = put("a");
    await does("documents of shop");
    synced[0]?.resolve();
    await does("documents of shop", "a is there");
    const { "outrigger.dev/token-sha256": _token, ...annotations } = pod.metadata.annotations ?? {};
    api.put({ ...pod, metadata: { ...pod.metadata, annotations } });
    const before = ["documents of shop", "a is there", "a: NotInjected", "removed", "gone"];
    await does(...before);
    api.remove("/api/v1/namespaces/shop/pods/a");
    await does(...before, "removed", "gone", "nobody in shop", "no documents of shop");
  });
});
