import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import {
  callFrom,
  hostIp,
  podApp,
  putPod,
  type TestNode,
  testNode,
  type TestPod,
} from "#test/support/node-cluster.ts";
import { rpcFrom } from "#test/support/node-rpc.ts";
import { getText, http2From, rawFrom } from "#test/support/raw-from.ts";
import { pathOfRpc, requestOf, rpcStream } from "#test/support/rpc-stream.ts";

let node: TestNode;
let other: TestPod;
const http = (): number => node.port("http");
const get = (pod: Pick<TestPod, "ip" | "token">, path = "/v1.0/metadata", from = pod.ip) =>
  callFrom(from, http(), path, { token: pod.token });
const isServed = async (pod: TestPod): Promise<boolean> => (await get(pod)).status === 200;

function component(name: string, spec: object, namespace = "shop"): object {
  return {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace, name },
    spec: { version: "v1", metadata: [], ...spec },
  };
}
const put = (object: object): void => void node.api.put(object as never);
function secret(name: string, values: Readonly<Record<string, string>>, namespace = "shop"): void {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );
  put({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, data });
}
interface EventObject {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly name: string };
  readonly metadata: { readonly name: string };
}
function eventOf(pod: string, reason: string, namespace = "shop"): Promise<string> {
  return eventually(
    () =>
      (node.api.list(`/api/v1/namespaces/${namespace}/events`) as unknown as EventObject[]).find(
        (event) => event.reason === reason && event.involvedObject.name === pod,
      )?.message,
    { what: `an Event ${reason} of ${pod}` },
  );
}
interface NodeStatus {
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
}
function statusOf(name: string): NodeStatus | undefined {
  const found = node.api.get(`/apis/dapr.io/v1alpha1/namespaces/shop/components/${name}`);
  return (found as unknown as { status?: { nodes?: NodeStatus[] } } | undefined)?.status
    ?.nodes?.[0];
}

beforeAll(async () => {
  node = await testNode();
  put(component("store", { type: "state.in-memory" }));
  other = putPod(node.api, { name: "other", ip: "127.0.0.10" });
  await node.ready;
}, 30_000);
afterAll(() => node[Symbol.asyncDispose]());

describe("a pod's annotations", () => {
  it("that are edited into nonsense take its app out, and are told of; mended they bring it back", async () => {
    const pod = putPod(node.api, { name: "edited", ip: "127.0.0.11" });
    await eventually(() => isServed(pod));
    const { metadata } = pod.pod;
    const edit = (annotations: Readonly<Record<string, string>>): void =>
      put({
        ...pod.pod,
        metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
      });
    edit({ "dapr.io/app-port": "many", "dapr.io/app-max-concurrency": "x" });
    expect(await eventOf("edited", "InvalidAnnotations")).toContain("dapr.io/app-port");
    await eventually(async () => !(await isServed(pod)));
    expect(await isServed(other)).toBe(true);
    edit({});
    await eventually(() => isServed(pod));
    pod.remove();
  });
  it("that name another app later change nothing of who it is", async () => {
    const pod = putPod(node.api, { name: "renamed", ip: "127.0.0.11" });
    await eventually(() => isServed(pod));
    const { metadata } = pod.pod;
    const annotations = { ...metadata.annotations, "dapr.io/app-id": "other" };
    put({ ...pod.pod, metadata: { ...metadata, annotations } });
    await eventOf("renamed", "DuplicateAppId");
    expect(JSON.parse((await get(pod)).body)).toMatchObject({ id: "renamed" });
    pod.remove();
  });
  it("without the injector's mark are told of, and host nothing", async () => {
    const pod = putPod(node.api, {
      name: "around",
      ip: "127.0.0.11",
      annotations: { "outrigger.dev/injected": "" },
    });
    expect(await eventOf("around", "NotInjected")).toContain("has not passed the injector");
    expect([401, 403]).toContain((await get(pod)).status);
    pod.remove();
  });
  it("of two workloads with one app id are told of", async () => {
    const one = putPod(node.api, { name: "one", appId: "same", ip: "127.0.0.11" });
    const two = putPod(node.api, { name: "two", appId: "same", ip: "127.0.0.12" });
    expect(await eventOf("two", "DuplicateAppId")).toContain("Pod/one");
    for (const pod of [one, two]) {
      await eventually(() => isServed(pod));
      pod.remove();
    }
  });
});

describe("a document", () => {
  it("with a secret that is missing fails alone, says so, and is tried until the secret is there", async () => {
    put(
      component("needs-secret", {
        type: "bindings.localstorage",
        metadata: [{ name: "rootPath", secretKeyRef: { name: "path", key: "p" } }],
      }),
    );
    await eventually(() => statusOf("needs-secret")?.ready === false);
    expect(statusOf("needs-secret")?.message).toMatch(/path/);
    expect((await get(other, "/v1.0/state/store/k")).status).toBe(204);
    secret("path", { p: "/tmp" });
    await eventually(() => statusOf("needs-secret")?.ready === true, { withinMs: 10_000 });
    node.api.remove("/apis/dapr.io/v1alpha1/namespaces/shop/components/needs-secret");
  });
  it("whose edit is invalid stays as it was, says so, and takes over the one after that", async () => {
    const names = async (): Promise<readonly string[]> => {
      const { components } = JSON.parse((await get(other)).body) as {
        components: ReadonlyArray<{ name: string; type: string }>;
      };
      return components.map(({ name, type }) => `${name} ${type}`);
    };
    put(component("edited", { type: "state.in-memory" }));
    await eventually(async () => (await names()).includes("edited state.in-memory"));
    const save = await callFrom(other.ip, http(), "/v1.0/state/edited", {
      token: other.token,
      method: "POST",
      body: '[{"key":"k","value":1}]',
    });
    expect(save.status).toBe(204);
    put(component("edited", { type: 5, metadata: "none" }));
    await eventually(() => statusOf("edited")?.ready === false);
    expect(statusOf("edited")?.message).not.toBe("");
    expect(await get(other, "/v1.0/state/edited/k")).toMatchObject({ status: 200, body: "1" });
    put(component("edited", { type: "pubsub.in-memory" }));
    await eventually(async () => (await names()).includes("edited pubsub.in-memory"));
    await eventually(() => statusOf("edited")?.ready === true, { withinMs: 15_000 });
  });
  it("Configuration that is missing leaves the defaults, and counts from when it is there", async () => {
    const pod = putPod(node.api, {
      name: "configured",
      ip: "127.0.0.11",
      annotations: { "dapr.io/config": "late" },
    });
    await eventually(() => isServed(pod));
    put({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { namespace: "shop", name: "late" },
      spec: { api: { denied: [{ name: "metadata", version: "v1.0", protocol: "http" }] } },
    });
    await eventually(async () => !(await isServed(pod)));
    expect(await isServed(other)).toBe(true);
    pod.remove();
  });
});

describe("tokens of an app's own", () => {
  it("that are in no Secret keep the app out, and are told of; it comes with the Secret", async () => {
    const pod = putPod(node.api, {
      name: "own-token",
      ip: "127.0.0.11",
      annotations: { "dapr.io/api-token-secret": "own", "dapr.io/app-token-secret": "theirs" },
    });
    expect(await eventOf("own-token", "AppNotHosted")).toMatch(/Secret "own"/);
    secret("own", { token: " , " });
    secret("theirs", { token: "" });
    // Neither is one.
    const shown = callFrom(pod.ip, http(), "/v1.0/metadata", { token: "" });
    expect((await shown).status).toBe(401);
    secret("theirs", { token: "for the app" });
    secret("own", { token: "first,second\n" });
    const call = (token: string) => callFrom(pod.ip, http(), "/v1.0/metadata", { token });
    await eventually(async () => (await call("second")).status === 200, { withinMs: 20_000 });
    expect((await call("first")).status).toBe(200);
    expect((await call(pod.token)).status).toBe(200);
    for (const token of ["", " ", "third", "first,third", "for the app"])
      expect([token, [401, 429].includes((await call(token)).status)]).toEqual([token, true]);
    // From another pod's address it is as good as the injected one.
    expect((await callFrom(other.ip, http(), "/v1.0/metadata", { token: "first" })).status).toBe(
      403,
    );
    pod.remove();
  });
  it("go to the app with each call, and to nobody else", async () => {
    const headers: IncomingHttpHeaders[] = [];
    await using app = await podApp("127.0.0.13", 0, (path, _, given) => {
      if (!path.startsWith("/dapr")) headers.push(given);
      return {};
    });
    secret("app-token", { token: "for the app" });
    const pod = putPod(node.api, {
      name: "guarded",
      ip: "127.0.0.13",
      annotations: {
        "dapr.io/app-port": String(app.port),
        "dapr.io/app-token-secret": "app-token",
      },
    });
    await eventually(() => isServed(pod));
    expect((await get(other, "/v1.0/invoke/guarded/method/x")).status).toBe(200);
    expect(headers.map((each) => each["dapr-api-token"])).toEqual(["for the app"]);
    expect(
      (await callFrom(pod.ip, http(), "/v1.0/metadata", { token: "for the app" })).status,
    ).toBe(401);
    pod.remove();
  });
});

describe("a pod without metrics", () => {
  it("is served, and not seen in them", async () => {
    const pod = putPod(node.api, {
      name: "unmeasured",
      ip: "127.0.0.11",
      annotations: { "dapr.io/enable-metrics": "false" },
    });
    await eventually(() => isServed(pod));
    await get(other);
    const { body } = await callFrom(hostIp, node.port("metrics"), "/metrics");
    expect(body).toContain('app_id="other"');
    expect(body).not.toContain("unmeasured");
    pod.remove();
  });
});

describe("pods of the host's network", () => {
  it("are told apart by their tokens, which are of use from the node alone", async () => {
    const one = putPod(node.api, { name: "host-1", ip: hostIp, hostNetwork: true });
    const two = putPod(node.api, {
      name: "host-2",
      namespace: "bank",
      ip: hostIp,
      hostNetwork: true,
    });
    for (const pod of [one, two]) {
      await eventually(() => isServed(pod));
      expect(JSON.parse((await get(pod)).body)).toMatchObject({ id: pod.pod.metadata.name });
      expect((await get(pod, "/v1.0/metadata", other.ip)).status).toBe(401);
      expect((await get(pod, "/v1.0/metadata", "127.0.0.99")).status).toBe(403);
    }
    expect((await callFrom(hostIp, http(), "/v1.0/healthz")).status).toBe(401);
    expect((await get({ ip: hostIp, token: other.token })).status).toBe(401);
    const kept = await rawFrom(hostIp, http());
    kept.write(getText("/v1.0/metadata", { "dapr-api-token": one.token }));
    expect(await kept.statuses(1)).toEqual([200]);
    const theirs = await rawFrom(hostIp, http());
    theirs.write(getText("/v1.0/metadata", { "dapr-api-token": two.token }));
    expect(await theirs.statuses(1)).toEqual([200]);
    // Its connections end with the one, and not the other's.
    one.remove();
    await kept.closed(5000);
    theirs.write(getText("/v1.0/metadata", { "dapr-api-token": two.token }));
    expect(await theirs.statuses(2)).toEqual([200, 200]);
    theirs.socket.destroy();
    two.remove();
  });
});

describe("an address that is used again at once", () => {
  const ip = "127.0.0.20";
  const ask = (pod: TestPod): string => getText("/v1.0/metadata", { "dapr-api-token": pod.token });
  it.each(["bank", "shop"])(
    "by a pod of %s brings it nothing of the pod before, nor that pod anything of it",
    async (namespace) => {
      const first = putPod(node.api, { name: "first", ip });
      await eventually(() => isServed(first));
      const kept = await rawFrom(ip, http());
      kept.write(ask(first));
      expect(await kept.statuses(1)).toEqual([200]);
      const session = http2From(ip, node.port("grpc"));
      const stream = rpcStream(session, pathOfRpc("SubscribeTopicEventsAlpha1"), {
        "dapr-api-token": first.token,
      });
      stream.send(
        requestOf("SubscribeTopicEventsAlpha1", {
          subscribeTopicEventsRequestType: {
            case: "initialRequest",
            value: { pubsubName: "none", topic: "t" },
          },
        }),
      );
      // The next one is known before the end of the first is.
      const next = putPod(node.api, { name: "next", namespace, ip });
      await eventually(() => isServed(next));
      const its = await rawFrom(ip, http());
      its.write(ask(next));
      expect(await its.statuses(1)).toEqual([200]);
      kept.write(ask(next));
      const [, onOld] = await kept.statuses(2);
      // Of another namespace it is another process that has the connection.
      expect(onOld).toBe(namespace === "shop" ? 200 : 401);
      const idle = await rawFrom(ip, http());
      idle.write(ask(next));
      expect(await idle.statuses(1)).toEqual([200]);
      first.remove();
      await eventually(async () => (await get(first)).status === 401);
      // Its connections are those of the next still.
      its.write(ask(next));
      idle.write(ask(next));
      expect(await its.statuses(2)).toEqual([200, 200]);
      expect(await idle.statuses(2)).toEqual([200, 200]);
      its.write(ask(first));
      expect((await its.statuses(3)).at(-1)).toBe(401);
      const { status } = await rpcFrom(
        ip,
        { host: hostIp, port: node.port("grpc") },
        pathOfRpc("GetMetadata"),
        requestOf("GetMetadata", {}),
        { "dapr-api-token": first.token },
      );
      expect([16, 8]).toContain(status);
      session.destroy();
      for (const raw of [kept, its, idle]) raw.socket.destroy();
      next.remove();
      await eventually(async () => (await get(next)).status !== 200);
    },
  );
  it("ends the connections of the pod before that were its own", async () => {
    const first = putPod(node.api, { name: "first", ip });
    await eventually(() => isServed(first));
    const kept = await rawFrom(ip, http());
    kept.write(ask(first));
    expect(await kept.statuses(1)).toEqual([200]);
    const next = putPod(node.api, { name: "next", ip });
    await eventually(() => isServed(next));
    const closed = once(kept.socket, "close");
    first.remove();
    await closed;
    expect(await isServed(next)).toBe(true);
    next.remove();
  });
});
