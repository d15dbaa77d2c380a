import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeClient } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { removeStaleEntries, sweepEntries } from "#k8s/operator/stale-entries.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { fakeClock, type FakeClock } from "#test/support/fake-clock.ts";
import { testHost, type TestHost } from "#test/support/host.ts";

interface WithNodes extends KubeObject {
  readonly status: { readonly nodes: ReadonlyArray<{ readonly node: string }> };
}

let api: KubeApiDouble;
let client: KubeClient;
let clock: FakeClock;
let host: TestHost;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  clock = fakeClock();
  host = testHost();
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

/** A component with the entry of a node; one each, for the double knows not whose an entry is. */
function put(name: string, node: string, namespace = "shop"): void {
  api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace },
    status: { nodes: [{ node, ready: true, reason: "x", message: "", since: "" }] },
  } as KubeObject);
}
function putRuntime(name: string, nodeName: string, labels: object = {}): void {
  api.put({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "outrigger-system",
      labels: {
        "app.kubernetes.io/name": "outrigger",
        "app.kubernetes.io/instance": "any",
        "app.kubernetes.io/component": "node",
        ...labels,
      },
    },
    spec: { nodeName },
  } as KubeObject);
}
/** The entries that are there. */
const left = (): readonly string[] =>
  api
    .list<WithNodes>("/apis/dapr.io/v1alpha1/components")
    .flatMap(({ metadata, status }) =>
      status.nodes.map(({ node }) => `${metadata.namespace}/${metadata.name} ${node}`),
    )
    .toSorted();

describe("sweepEntries", () => {
  let known: readonly string[];
  let end: AbortController;
  let chance: number;
  let sweeping: Promise<void> | undefined;
  beforeEach(() => {
    known = [];
    end = new AbortController();
    chance = 0;
  });
  afterEach(async () => {
    end.abort();
    await sweeping;
  });
  function sweep(node = "n1", namespaces: readonly string[] = []): void {
    const { signal } = end;
    const knows = (namespace: string, name: string): boolean =>
      known.includes(`${namespace}/${name}`);
    const random = (): number => chance;
    sweeping = sweepEntries({
      client,
      node,
      knows,
      namespaces,
      log: host.log,
      clock,
      signal,
      random,
    });
  }
  /** Time goes on, and what goes over the network takes its own. */
  async function pass(ms: number): Promise<void> {
    await clock.advance(ms);
    let before = -1;
    while (
      before !== api.requests.length ||
      api.requests.some(({ status }) => status === undefined)
    ) {
      before = api.requests.length;
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  it("takes away what nobody keeps: of its own, of nodes and of replicas that are gone", async () => {
    putRuntime("outrigger-node-abc", "n1");
    putRuntime("outrigger-node-def", "n2");
    putRuntime("outrigger-ca-1", "n4", { "app.kubernetes.io/component": "ca" });
    known = ["shop/mine"];
    put("mine", "n1");
    put("former", "n1", "bank");
    put("theirs", "n2");
    put("replicas", "outrigger-node-def");
    put("gone", "n3", "bank");
    put("authority", "n4");
    put("gone-replica", "outrigger-node-xyz");
    sweep();
    await pass(59_900);
    expect(api.requests).toEqual([]);
    await pass(200);
    expect(left()).toEqual(["shop/mine n1", "shop/replicas outrigger-node-def", "shop/theirs n2"]);
    expect(host.lines.map(({ message }) => message)).toEqual([
      "Took away 3 states of components that runtimes left that are gone",
    ]);
  });
  it("goes on about once an hour, and not at the same time as others", async () => {
    putRuntime("outrigger-node-abc", "n1");
    putRuntime("outrigger-node-def", "n2");
    put("theirs", "n2");
    chance = 1;
    sweep();
    await pass(119_900);
    expect(api.requests).toEqual([]);
    await pass(200);
    api.remove("/api/v1/namespaces/outrigger-system/pods/outrigger-node-def");
    await pass(4_490_000);
    expect(left()).toHaveLength(1);
    await pass(20_000);
    expect(left()).toEqual([]);
  });
  it("ends with the signal, also in the middle", async () => {
    put("former", "n1");
    api.fail({ verb: "list", hang: true });
    sweep();
    await clock.advance(60_000);
    end.abort();
    await sweeping;
    expect(clock.sleepers).toBe(0);
    expect(host.lines).toEqual([]);
  });
  it.each<[string, () => void]>([
    ["may not be listed", () => (api.isAllowed = ({ resource }) => resource !== "pods")],
    ["are none", () => api.remove("/api/v1/namespaces/outrigger-system/pods/one")],
    [
      "are not this one's, so that its labels are others",
      () => {
        api.remove("/api/v1/namespaces/outrigger-system/pods/one");
        putRuntime("another", "n2");
      },
    ],
  ])("leaves those of others where the pods %s", async (_, prepare) => {
    putRuntime("one", "n1");
    put("former", "n1");
    put("theirs", "n3");
    prepare();
    sweep();
    await pass(61_000);
    expect(left()).toEqual(["shop/theirs n3"]);
    expect(host.lines.filter(({ level }) => level !== "debug")).toEqual([]);
  });
  it("asks for the namespaces that are named, one by one, and only of its own", async () => {
    putRuntime("outrigger-node-abc", "n1");
    for (const namespace of ["shop", "bank", "vault"])
      put("former", "outrigger-node-abc", namespace);
    put("theirs", "outrigger-node-xyz", "bank");
    // Rights for one of them are missing.
    api.isAllowed = ({ namespace }) => namespace === "bank";
    sweep("outrigger-node-abc", ["shop", "bank"]);
    await pass(61_000);
    expect(left()).toEqual([
      "bank/theirs outrigger-node-xyz",
      "shop/former outrigger-node-abc",
      "vault/former outrigger-node-abc",
    ]);
    expect(api.requests.filter(({ method }) => method === "GET").map(({ path }) => path)).toEqual([
      "/apis/dapr.io/v1alpha1/namespaces/shop/components",
      "/apis/dapr.io/v1alpha1/namespaces/bank/components",
    ]);
  });
});

describe("removeStaleEntries", () => {
  it("goes on where one cannot be written, and says so in the end", async () => {
    put("first", "gone");
    put("second", "gone");
    api.fail({ verb: "patch", status: 500 });
    const { signal } = new AbortController();
    await expect(removeStaleEntries(client, () => true, { signal })).rejects.toThrow(/500/);
    expect(left()).toHaveLength(1);
  });
  it("takes away entries that nobody keeps, and no others", async () => {
    put("redis", "gone");
    put("kept", "n1");
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
    expect(left()).toEqual(["shop/kept n1"]);
    const write = api.requests.find(({ method }) => method === "PATCH");
    expect(write?.query.get("fieldManager")).toBe("outrigger-gone");
  });
  it("shortens the name of a node that is too long for a field manager", async () => {
    const long = "n".repeat(250);
    put("redis", long);
    const { signal } = new AbortController();
    await removeStaleEntries(client, () => true, { namespace: "shop", signal });
    const manager = api.requests
      .find(({ method }) => method === "PATCH")
      ?.query.get("fieldManager");
    expect(manager?.length).toBeLessThanOrEqual(128);
    expect(manager).toMatch(/^outrigger-n+-[0-9a-f]{16}$/);
  });
});
