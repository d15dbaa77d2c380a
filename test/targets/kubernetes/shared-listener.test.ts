import { CommunicationProtocolEnum, DaprClient, LogLevel } from "@dapr/dapr";
import type { IncomingHttpHeaders } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
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
import { rpcApp, rpcFrom } from "#test/support/node-rpc.ts";
import { getText, http2From, http2Get, rawFrom } from "#test/support/raw-from.ts";
import { answerOf, pathOfRpc, requestOf, rpcStream } from "#test/support/rpc-stream.ts";

const component = (namespace: string, name: string, type: string) => ({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { namespace, name },
  spec: { type, version: "v1", metadata: [] },
});

let node: TestNode;
let cart: TestPod;
let twin: TestPod;
let vault: TestPod;
const seen: Array<{ readonly path: string; readonly headers: IncomingHttpHeaders }> = [];
const open: AsyncDisposable[] = [];
const http = (): number => node.port("http");
const grpc = (): number => node.port("grpc");
/** Who has guessed too often is told so instead; it is the same refusal. */
const plain = (status: unknown): unknown => (status === 429 ? 401 : status === 8 ? 16 : status);
/** What the runtime asks an app by itself is nobody's call. */
const isOwn = (path: string): boolean => path.startsWith("/dapr");
const idOf = (body: string): unknown => (JSON.parse(body) as { id: string }).id;

beforeAll(async () => {
  node = await testNode();
  open.push(node);
  for (const namespace of ["shop", "bank"]) {
    node.api.put(component(namespace, "store", "state.in-memory"));
    node.api.put(component(namespace, "bus", "pubsub.in-memory"));
  }
  const app = await podApp("127.0.0.13", 0, (path, _, headers) => {
    if (!isOwn(path)) seen.push({ path, headers });
    return { path };
  });
  const rpc = await rpcApp("127.0.0.14", (path, message, headers) => {
    if (!isOwn(path)) seen.push({ path, headers });
    return message.toString();
  });
  open.push(app, rpc);
  cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
  twin = putPod(node.api, { name: "twin", ip: "127.0.0.12" });
  putPod(node.api, {
    name: "callee",
    ip: "127.0.0.13",
    annotations: { "dapr.io/app-port": String(app.port) },
  });
  putPod(node.api, {
    name: "rpc",
    ip: "127.0.0.14",
    annotations: { "dapr.io/app-port": String(rpc.port), "dapr.io/app-protocol": "grpc" },
  });
  vault = putPod(node.api, { name: "vault", namespace: "bank", ip: "127.0.0.15" });
  await node.ready;
}, 30_000);
afterAll(async () => {
  for (const each of open) await each[Symbol.asyncDispose]();
});

describe("whose call it is", () => {
  it("is told by the token over HTTP/1.1, h2c and gRPC alike", async () => {
    const byHttp = await callFrom(cart.ip, http(), "/v1.0/metadata", { token: cart.token });
    expect(idOf(byHttp.body)).toBe("cart");
    const session = http2From(cart.ip, http());
    const h2c = await http2Get(session, "/v1.0/metadata", { "dapr-api-token": cart.token });
    expect([h2c.headers[":status"], idOf(h2c.body)]).toEqual([200, "cart"]);
    session.destroy();
    const { status, message } = await rpcFrom(
      cart.ip,
      { host: hostIp, port: grpc() },
      pathOfRpc("GetMetadata"),
      requestOf("GetMetadata", {}),
      { "dapr-api-token": cart.token },
    );
    expect([status, answerOf("GetMetadata", message).id]).toEqual([0, "cart"]);
  });
  it("is nobody's without one, with another's, an empty one or a guess, over all of them", async () => {
    const tokens: ReadonlyArray<readonly [string | undefined, number, number]> = [
      [undefined, 401, 16],
      ["", 401, 16],
      ["guess", 401, 16],
      // Of a pod of this process, from the address of another one.
      [twin.token, 403, 7],
      // Of a pod of another process, which this one knows nothing of.
      [vault.token, 401, 16],
    ];
    const h2 = http2From(cart.ip, http());
    const rpc = http2From(cart.ip, grpc());
    for (const [token, status, code] of tokens) {
      const headers: Record<string, string> =
        token === undefined ? {} : { "dapr-api-token": token };
      const got = await callFrom(cart.ip, http(), "/v1.0/metadata", { headers });
      expect([token, plain(got.status)]).toEqual([token, status]);
      expect(got.body).not.toContain("cart");
      const h2c = await http2Get(h2, "/v1.0/metadata", headers);
      expect([token, plain(h2c.headers[":status"])]).toEqual([token, status]);
      for (const path of [
        pathOfRpc("GetMetadata"),
        pathOfRpc("SubscribeConfiguration"),
        pathOfRpc("SubscribeTopicEventsAlpha1"),
        "/orders.Orders/Take",
      ]) {
        const call = rpcStream(rpc, path, { "dapr-app-id": "rpc", ...headers });
        call.send(new Uint8Array());
        call.end();
        expect([path, token, plain(await call.status)]).toEqual([path, token, code]);
      }
    }
    h2.destroy();
    rpc.destroy();
    expect(seen).toEqual([]);
  });
  it("is each request's own on one connection, also for requests that are sent at once", async () => {
    const raw = await rawFrom(cart.ip, http());
    const ask = (token: string): string => getText("/v1.0/metadata", { "dapr-api-token": token });
    raw.write(ask(cart.token));
    expect(await raw.statuses(1)).toEqual([200]);
    raw.write(ask(twin.token));
    expect(await raw.statuses(2)).toEqual([200, 403]);
    raw.write(
      ask(cart.token) +
        ask("guess") +
        ask(cart.token) +
        ask(twin.token) +
        getText("/v1.0/metadata"),
    );
    expect((await raw.statuses(7)).slice(2).map(plain)).toEqual([200, 401, 200, 403, 401]);
    raw.socket.destroy();
  });
  it("is each call's own on one gRPC connection", async () => {
    const session = http2From(cart.ip, grpc());
    const codes = await Promise.all(
      [cart.token, twin.token, "guess", cart.token].map((token) => {
        const call = rpcStream(session, pathOfRpc("GetMetadata"), { "dapr-api-token": token });
        call.send(new Uint8Array());
        call.end();
        return call.status;
      }),
    );
    expect(codes.map(plain)).toEqual([0, 7, 16, 0]);
    session.destroy();
  });
  it("is not told by a token in the query, a cookie, or another header", async () => {
    const path = `/v1.0/metadata?dapr-api-token=${cart.token}&dapr-app-id=cart`;
    const headers = {
      authorization: `Bearer ${cart.token}`,
      cookie: `dapr-api-token=${cart.token}`,
      "dapr-app-id": "cart",
      "dapr-caller-app-id": "cart",
      "x-dapr-api-token": cart.token,
      "x-forwarded-for": cart.ip,
    };
    expect(plain((await callFrom(cart.ip, http(), path, { headers })).status)).toBe(401);
  });
  it("is told by a header in any case, and by none that is there twice", async () => {
    const upper = await callFrom(cart.ip, http(), "/v1.0/metadata", {
      headers: { "DAPR-API-TOKEN": cart.token },
    });
    expect(upper.status).toBe(200);
    for (const [one, other] of [
      [cart.token, cart.token],
      [cart.token, twin.token],
      [cart.token, ""],
      ["", cart.token],
    ] as const) {
      const raw = await rawFrom(cart.ip, http());
      raw.write(
        `GET /v1.0/metadata HTTP/1.1\r\nHost: node\r\ndapr-api-token: ${one}\r\nDapr-Api-Token: ${other}\r\n\r\n`,
      );
      expect((await raw.statuses(1)).map(plain)).toEqual([401]);
      raw.socket.destroy();
      for (const port of [http(), grpc()]) {
        const session = http2From(cart.ip, port);
        const twice = { "dapr-api-token": [one, other] };
        if (port === http()) {
          const { headers } = await http2Get(session, "/v1.0/metadata", twice);
          expect(plain(headers[":status"])).toBe(401);
        } else
          for (const rpc of ["GetMetadata", "SubscribeConfiguration"] as const) {
            const call = rpcStream(session, pathOfRpc(rpc), twice);
            call.send(new Uint8Array());
            call.end();
            expect([rpc, plain(await call.status)]).toEqual([rpc, 16]);
          }
        session.destroy();
      }
    }
  });
  it("is not told by a token of 16 KB, however it begins", async () => {
    for (const token of [
      `${cart.token}${"x".repeat(16_000)}`,
      "x".repeat(16_384),
      `${cart.token},`,
    ]) {
      const { status } = await callFrom(cart.ip, http(), "/v1.0/metadata", { token });
      expect(plain(status)).toBe(401);
    }
    // In another process, which is found by the address: the token is too long to be looked at before.
    const far = await callFrom(vault.ip, http(), "/v1.0/metadata", { token: "x".repeat(30_000) });
    expect(plain(far.status)).toBe(401);
  });
});

describe("what the callee sees", () => {
  it("is who calls, never the caller's token (CVE-2024-35223), nor what he says of himself", async () => {
    seen.length = 0;
    const claims = {
      "dapr-caller-app-id": "vault",
      "dapr-caller-namespace": "bank",
      "dapr-callee-app-id": "vault",
      "destination-app-id": "vault",
    };
    const invoked = await callFrom(cart.ip, http(), "/v1.0/invoke/callee/method/by-path", {
      token: cart.token,
      headers: claims,
    });
    expect(invoked.status).toBe(200);
    const byHeader = await callFrom(cart.ip, http(), "/by-header", {
      token: cart.token,
      headers: { ...claims, "dapr-app-id": "callee" },
    });
    expect(byHeader.status).toBe(200);
    const session = http2From(cart.ip, http());
    await http2Get(session, "/v1.0/invoke/callee/method/by-h2c", {
      ...claims,
      "dapr-api-token": cart.token,
    });
    session.destroy();
    const to = { host: hostIp, port: grpc() };
    const metadata = { ...claims, "dapr-api-token": cart.token };
    await rpcFrom(
      cart.ip,
      to,
      pathOfRpc("InvokeService"),
      requestOf("InvokeService", {
        id: "callee",
        message: { method: "by-rpc", httpExtension: { verb: 1 } },
      }),
      metadata,
    );
    const proxied = await rpcFrom(cart.ip, to, "/orders.Orders/Take", Buffer.from("hi"), {
      "dapr-api-token": cart.token,
      "dapr-caller-app-id": "vault",
      "dapr-caller-namespace": "bank",
      "dapr-app-id": "rpc",
    });
    expect([proxied.status, proxied.message.toString()]).toEqual([0, "hi"]);
    expect(seen.map(({ path }) => path)).toEqual([
      "/by-path",
      "/by-header",
      "/by-h2c",
      "/by-rpc",
      "/orders.Orders/Take",
    ]);
    for (const { path, headers } of seen) {
      expect([path, headers["dapr-caller-app-id"]]).toEqual([path, "cart"]);
      expect([path, JSON.stringify(headers).includes(cart.token)]).toEqual([path, false]);
      expect([path, JSON.stringify(headers).includes("vault")]).toEqual([path, false]);
      expect([path, JSON.stringify(headers).includes("bank")]).toEqual([path, false]);
      expect([path, headers["dapr-api-token"]]).toEqual([path, undefined]);
    }
  });
  it("is nothing where `dapr-app-id` names what is not there, or not in its namespace", async () => {
    seen.length = 0;
    for (const [appId, namespace] of [
      ["nobody", "shop"],
      ["callee", "bank"],
    ]) {
      const id = `${appId}.${namespace}`;
      const headers = { "dapr-app-id": id };
      const byHttp = await callFrom(cart.ip, http(), "/x", { token: cart.token, headers });
      expect(byHttp.status).toBe(500);
      const { status } = await rpcFrom(
        cart.ip,
        { host: hostIp, port: grpc() },
        "/orders.Orders/Take",
        new Uint8Array(),
        { ...headers, "dapr-api-token": cart.token },
      );
      expect(status).toBe(2);
    }
    expect(seen).toEqual([]);
  });
});

describe("a stream of a pod", () => {
  it("gets its messages, and ends with its pod", async () => {
    const pod = putPod(node.api, { name: "stream", ip: "127.0.0.16" });
    const health = () => callFrom(pod.ip, http(), "/v1.0/healthz", { token: pod.token });
    await eventually(async () => (await health()).status === 204);
    const session = http2From(pod.ip, grpc());
    const call = rpcStream(session, pathOfRpc("SubscribeTopicEventsAlpha1"), {
      "dapr-api-token": pod.token,
    });
    const initial = { pubsubName: "bus", topic: "t" };
    call.send(
      requestOf("SubscribeTopicEventsAlpha1", {
        subscribeTopicEventsRequestType: { case: "initialRequest", value: initial },
      }),
    );
    await eventually(() => call.messages.length > 0, { what: "the first answer" });
    await callFrom(cart.ip, http(), "/v1.0/publish/bus/t", {
      token: cart.token,
      method: "POST",
      body: '{"n":1}',
      headers: { "content-type": "application/json" },
    });
    await eventually(() => call.messages.length > 1, { what: "a message" });
    pod.set({ phase: "Failed" });
    await call.status;
    await eventually(() => session.destroyed || session.closed);
  });
});

describe("the official SDK", () => {
  /** As in a container that the injector has seen: the environment alone says where the runtime is, and who this is. */
  const clients = (token: string): readonly DaprClient[] => {
    vi.stubEnv("DAPR_API_TOKEN", token);
    vi.stubEnv("DAPR_HTTP_ENDPOINT", `http://${hostIp}:${http()}`);
    vi.stubEnv("DAPR_GRPC_ENDPOINT", `http://${hostIp}:${grpc()}`);
    const logger = { level: LogLevel.Error };
    return [CommunicationProtocolEnum.HTTP, CommunicationProtocolEnum.GRPC].map(
      (communicationProtocol) => new DaprClient({ communicationProtocol, logger }),
    );
  };
  afterEach(() => void vi.unstubAllEnvs());
  it("is known by the token of its pod, over HTTP and gRPC", async () => {
    seen.length = 0;
    // Pods of the host's network call from an address that all of them share.
    const one = putPod(node.api, { name: "sdk-1", ip: hostIp, hostNetwork: true });
    const other = putPod(node.api, { name: "sdk-2", ip: hostIp, hostNetwork: true });
    for (const pod of [one, other])
      await eventually(
        async () =>
          (await callFrom(hostIp, http(), "/v1.0/metadata", { token: pod.token })).status === 200,
      );
    for (const pod of [one, other]) {
      const id = pod.pod.metadata.name as string;
      for (const client of clients(pod.token)) {
        expect((await client.metadata.get()).id).toBe(id);
        await client.state.save("store", [{ key: "k", value: id }]);
        expect(await client.state.get("store", "k")).toBe(id);
        await client.pubsub.publish("bus", "elsewhere", { by: id });
        await client.stop();
      }
      const kept = await callFrom(hostIp, http(), "/v1.0/state/store/k", { token: pod.token });
      expect([kept.status, kept.body]).toEqual([200, id]);
    }
    // A token of a pod that has an address of its own is of no use there.
    const stolen = await callFrom(hostIp, http(), "/v1.0/metadata", { token: cart.token });
    expect(stolen.status).toBe(401);
    expect(seen).toEqual([]);
  });
});
