import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InvokeResponseSchema } from "#core/wire/grpc/gen/dapr/proto/common/v1/common_pb.js";
import { InvokeServiceRequestSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/invoke_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { callFrom, type HttpAnswer, podApp, type TestPod } from "#test/support/node-cluster.ts";
import { rpcApp, type RpcAnswer, rpcFrom } from "#test/support/node-rpc.ts";
import { type NodeOfTwo, type TwoNodes, twoNodes } from "#test/support/two-nodes.ts";

/** Only `web` of namespace `shop` may call. */
const locked = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Configuration",
  metadata: { namespace: "shop", name: "locked" },
  spec: {
    accessControl: {
      defaultAction: "deny",
      trustDomain: "public",
      policies: [
        { appId: "web", defaultAction: "allow", trustDomain: "public", namespace: "shop" },
      ],
    },
  },
};
const rpcPath = "/orders.Orders/Take";

let two: TwoNodes;
let first: NodeOfTwo;
let second: NodeOfTwo;
let web: TestPod;
let spy: TestPod;
const open: AsyncDisposable[] = [];
const kept = <T extends AsyncDisposable>(what: T): T => {
  open.push(what);
  return what;
};

beforeAll(async () => {
  two = kept(
    await twoNodes({
      validator: async (asked) =>
        asked.appId === "nobody" ? { refused: "not this one" } : { proven: asked },
    }),
  );
  [first, second] = two.nodes;
  two.api.put(locked as never);
  web = first.put({ name: "web", ip: "127.0.0.11" });
  spy = first.put({ name: "spy", ip: "127.0.0.12" });
  await appOn(second, { name: "cart", ip: "127.0.0.21" });
  await appOn(second, { name: "till", ip: "127.0.0.22", config: "locked" });
  await rpcAppOn(second, { name: "rpc", ip: "127.0.0.23" });
  await rpcAppOn(second, { name: "locked-rpc", ip: "127.0.0.24", config: "locked" });
  await Promise.all(two.nodes.map(({ runtime }) => runtime.ready));
}, 30_000);
afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]();
});

interface AppOn {
  readonly name: string;
  readonly ip: string;
  readonly appId?: string;
  readonly namespace?: string;
  readonly config?: string;
  readonly ready?: boolean;
}
function podOn(
  node: NodeOfTwo,
  { name, ip, appId = name, namespace = "shop", config, ready = true }: AppOn,
  annotations: Readonly<Record<string, string>>,
): TestPod {
  const more: Record<string, string> = config === undefined ? {} : { "dapr.io/config": config };
  return node.put({ name, appId, namespace, ip, ready, annotations: { ...annotations, ...more } });
}
/** An app that answers with what it was called with. */
async function appOn(node: NodeOfTwo, about: AppOn) {
  const app = kept(
    await podApp(about.ip, 0, (target, body, headers) => ({
      by: about.name,
      target,
      size: body.length,
      caller: headers["dapr-caller-app-id"],
      namespace: headers["dapr-caller-namespace"],
      token: headers["dapr-api-token"],
    })),
  );
  return { app, pod: podOn(node, about, { "dapr.io/app-port": String(app.port) }) };
}
async function rpcAppOn(node: NodeOfTwo, about: AppOn) {
  const app = kept(
    await rpcApp(about.ip, (path, message, headers) =>
      JSON.stringify({
        by: about.name,
        path,
        said: message.toString(),
        caller: headers["dapr-caller-app-id"],
        token: headers["dapr-api-token"],
      }),
    ),
  );
  const annotations = { "dapr.io/app-port": String(app.port), "dapr.io/app-protocol": "grpc" };
  return { app, pod: podOn(node, about, annotations) };
}

/** A call by HTTP of an app of the first node. */
function invoke(
  from: TestPod,
  callee: string,
  { target = "hello", body }: { readonly target?: string; readonly body?: string } = {},
  node: NodeOfTwo = first,
): Promise<HttpAnswer> {
  return callFrom(from.ip, node.runtime.port("http"), `/v1.0/invoke/${callee}/method/${target}`, {
    host: node.ip,
    token: from.token,
    method: body === undefined ? "GET" : "POST",
    ...(body === undefined ? {} : { body }),
  });
}
function rpc(from: TestPod, callee: string, message: string): Promise<RpcAnswer> {
  const to = { host: first.ip, port: first.runtime.port("grpc") };
  const metadata = { "dapr-app-id": callee, "dapr-api-token": from.token };
  return rpcFrom(from.ip, to, rpcPath, Buffer.from(message), metadata);
}

describe("apps of two nodes", () => {
  it("call each other over HTTP", async () => {
    const { status, body } = await invoke(web, "cart", { target: "add?n=1" });
    expect([status, JSON.parse(body)]).toEqual([
      200,
      { by: "cart", target: "/add?n=1", size: 0, caller: "web", namespace: "shop" },
    ]);
    const large = await invoke(web, "cart.shop", { body: "x".repeat(3_000_000) });
    expect(JSON.parse(large.body)).toMatchObject({ by: "cart", size: 3_000_000 });
  });
  it("call each other over gRPC, whatever service it is", async () => {
    const { status, why, message } = await rpc(web, "rpc", "hello");
    expect([status, why]).toEqual([0, ""]);
    const answer = { by: "rpc", path: rpcPath, said: "hello", caller: "web" };
    expect(JSON.parse(message.toString())).toEqual(answer);
  });
  it("call each other by Dapr's InvokeService", async () => {
    const request = create(InvokeServiceRequestSchema, {
      id: "cart",
      message: {
        method: "add",
        data: { value: Buffer.from("{}") },
        httpExtension: { verb: 3, querystring: "n=1" },
      },
    });
    const { status, message } = await rpcFrom(
      web.ip,
      { host: first.ip, port: first.runtime.port("grpc") },
      "/dapr.proto.runtime.v1.Dapr/InvokeService",
      toBinary(InvokeServiceRequestSchema, request),
      { "dapr-api-token": web.token },
    );
    expect(status).toBe(0);
    const { data } = fromBinary(InvokeResponseSchema, message);
    expect(JSON.parse(Buffer.from(data?.value ?? []).toString())).toMatchObject({
      by: "cart",
      target: "/add?n=1",
      caller: "web",
    });
  });
  it("are known to the callee's access control by their certificates", async () => {
    expect(await invoke(web, "till")).toMatchObject({ status: 200 });
    expect(await invoke(spy, "till")).toMatchObject({
      status: 403,
      body: expect.stringContaining("denied") as string,
    });
    expect((await rpc(web, "locked-rpc", "x")).status).toBe(0);
    expect((await rpc(spy, "locked-rpc", "x")).status).toBe(7);
    // What a caller says of itself counts for nothing.
    const claimed = await callFrom(
      spy.ip,
      first.runtime.port("http"),
      "/v1.0/invoke/till/method/x",
      { token: spy.token, headers: { "dapr-caller-app-id": "web" } },
    );
    expect(claimed.status).toBe(403);
  });
  it("find the one of another group of their own node", async () => {
    await appOn(first, { name: "vault", ip: "127.0.0.13", namespace: "bank" });
    await eventually(async () => (await invoke(web, "vault.bank")).status === 200);
    const { body } = await invoke(web, "vault.bank", { body: "{}" });
    expect(JSON.parse(body)).toMatchObject({ by: "vault", caller: "web", namespace: "shop" });
    const groups = first.runtime.groups().map(({ name }) => name);
    expect(groups.toSorted()).toEqual(["namespace/bank", "namespace/shop"]);
  });
  it("find an app that moves, there and back, within two seconds", async () => {
    const by = async (): Promise<unknown> => JSON.parse((await invoke(web, "moving")).body).by;
    const far = await appOn(second, { name: "moving-0", appId: "moving", ip: "127.0.0.25" });
    await eventually(async () => (await by()) === "moving-0");
    far.pod.remove();
    const near = await appOn(first, { name: "moving-1", appId: "moving", ip: "127.0.0.14" });
    await eventually(async () => (await by()) === "moving-1", { withinMs: 2000 });
    near.pod.remove();
    await appOn(second, { name: "moving-2", appId: "moving", ip: "127.0.0.26" });
    await eventually(async () => (await by()) === "moving-2", { withinMs: 2000 });
  });
  it.each(["http", "grpc"] as const)(
    "are called by %s where they are ready, else where they are near",
    async (over) => {
      const appId = `by-${over}`;
      const offset = over === "http" ? 0 : 10;
      const by = async (): Promise<unknown> => {
        if (over === "http") return JSON.parse((await invoke(web, appId)).body).by;
        return JSON.parse((await rpc(web, appId, "x")).message.toString() || "{}").by;
      };
      const put = over === "http" ? appOn : rpcAppOn;
      const far = { name: `${over}-far`, appId, ip: `127.0.0.${41 + offset}` };
      const near = { name: `${over}-near`, appId, ip: `127.0.0.${42 + offset}`, ready: false };
      const there = await put(second, far);
      await eventually(async () => (await by()) === far.name);
      const here = await put(first, near);
      const metadata = () =>
        callFrom(near.ip, first.runtime.port("http"), "/v1.0/metadata", { token: here.pod.token });
      await eventually(async () => (await metadata()).status === 200);
      for (let i = 0; i < 5; i++) expect(await by()).toBe(far.name);
      here.pod.set({ ready: true });
      await eventually(async () => (await by()) === near.name);
      here.pod.set({ ending: true });
      await eventually(async () => (await by()) === far.name);
      there.pod.remove();
      await eventually(async () => (await by()) === near.name);
    },
  );
  it("call nobody, and are called by nobody, without a certificate", async () => {
    const { app, pod } = await appOn(first, { name: "nobody", ip: "127.0.0.15" });
    const cart = await invoke(web, "cart");
    expect(cart.status).toBe(200);
    const own = () =>
      callFrom(pod.ip, first.runtime.port("http"), "/v1.0/metadata", { token: pod.token });
    await eventually(async () => (await own()).status === 200);
    // Of the second node: its own node's apps need none.
    const other = second.put({ name: "other", ip: "127.0.0.27" });
    const at = { host: second.ip, token: other.token };
    const health = () => callFrom(other.ip, second.runtime.port("http"), "/v1.0/healthz", at);
    await eventually(async () => (await health()).status === 204);
    const [byHttp, byRpc, back] = await Promise.all([
      invoke(pod, "cart"),
      rpc(pod, "rpc", "x"),
      invoke(other, "nobody", {}, second),
    ]);
    expect(byHttp).toMatchObject({
      status: 500,
      body: expect.stringContaining("app nobody has no certificate yet") as string,
    });
    expect(byRpc.status).not.toBe(0);
    expect(back.status).toBe(500);
    expect(app.calls.filter((call) => call !== "GET /dapr/config")).toEqual([]);
    expect(two.ca.log.of("warn").join("\n")).toContain("not this one");
  });
  it("are not given to one that answers in the name of another", async () => {
    const rogue = await imposter(await two.ca.certificate("spy", "shop"));
    // A node that has been taken over says that it is where `bait` runs.
    two.api.put({
      ...web.pod,
      metadata: {
        namespace: "shop",
        name: "bait-0",
        labels: { "outrigger.dev/app-id": "bait" },
        annotations: { ...web.pod.metadata.annotations, "dapr.io/app-id": "bait" },
      },
      spec: { nodeName: "node-3", containers: [] },
      status: { phase: "Running", hostIP: "127.0.0.3", podIP: "127.0.0.31" },
    } as never);
    expect(await invoke(web, "bait", { body: "secret" })).toMatchObject({
      status: 500,
      body: expect.stringContaining(
        'the peer is spiffe://public/ns/shop/spy, not app \\"bait\\"',
      ) as string,
    });
    expect(rogue.streams).toBe(0);
    rogue.server.close();
  });
});

describe("certificates of apps", () => {
  it("are renewed, and an app that comes back has one that counts", async () => {
    await using pair = await twoNodes({ workloadTtlMs: 3000 });
    const [one, other] = pair.nodes;
    const { app } = await appOn(other, { name: "cart", ip: "127.0.0.28" });
    const asked = (): number =>
      pair.ca.log.of("info").filter((line) => line.includes("shop/cart, valid until")).length;
    const caller = { name: "caller", ip: "127.0.0.16" };
    let pod = one.put(caller);
    await Promise.all(pair.nodes.map(({ runtime }) => runtime.ready));
    const call = async (): Promise<boolean> => (await invoke(pod, "cart", {}, one)).status === 200;
    await eventually(call, { withinMs: 10_000 });
    pod.remove();
    // Until what it had has run out.
    await delay(3000);
    expect(asked()).toBeGreaterThan(2);
    pod = one.put(caller);
    // Connections that are there are of before.
    const [{ pid } = {}] = other.runtime.groups();
    process.kill(pid as number, "SIGKILL");
    await eventually(call, { withinMs: 10_000 });
    expect(app.calls.length).toBeGreaterThan(1);
  });
});

/** A server in a runtime's place, with a certificate of the same authority. */
async function imposter(context: {
  readonly cert: string;
  readonly key: string;
}): Promise<{ readonly server: Http2SecureServer; readonly streams: number }> {
  const server = createSecureServer({ ...context });
  const seen = { server, streams: 0 };
  server.on("stream", (stream) => {
    seen.streams++;
    stream.respond({ ":status": 200 });
    stream.end("mine");
  });
  await new Promise<void>((resolve) => server.listen(two.internalPort, "127.0.0.3", resolve));
  return seen;
}
