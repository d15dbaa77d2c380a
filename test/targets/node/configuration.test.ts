import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  SubscribeConfigurationRequestSchema,
  type SubscribeConfigurationResponse,
  SubscribeConfigurationResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/configuration_pb.js";
import { type AppServer, appServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { type WireClient, wireClient } from "#test/support/grpc-client.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";

const resources = (redisHost: string): string => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: settings }
spec:
  type: configuration.redis
  version: v1
  metadata: [{ name: redisHost, value: "${redisHost}" }]
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: locks }
spec:
  type: lock.redis
  version: v1
  metadata: [{ name: redisHost, value: "${redisHost}" }, { name: keyPrefix, value: name }]
`;
const reason = hasRedisServer ? "" : " (skipped: redis-server is not installed)";

describe.skipIf(!hasRedisServer)(`configuration and lock over the wire${reason}`, () => {
  let redis: RedisServerProcess;
  let app: AppServer;
  let runtime: InProcess;
  let client: WireClient;
  beforeAll(async () => {
    redis = await redisServer();
    app = await appServer();
    runtime = await nodeRuntime({
      appPort: app.port,
      inlineResources: [{ name: "test", text: resources(redis.address) }],
    });
    client = wireClient(runtime.grpcPort);
  });
  afterAll(async () => {
    client?.[Symbol.dispose]();
    await runtime?.stop();
    await app?.[Symbol.asyncDispose]();
    await redis?.stop();
  });
  const api = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${runtime.httpPort}${path}`, init);
  const channels = (): Promise<string> => redis.cli("PUBSUB", "CHANNELS");

  /** A subscription as a gRPC client has it. */
  function subscribe(keys: readonly string[]) {
    const seen: SubscribeConfigurationResponse[] = [];
    const ended: { code?: number } = {};
    const request = create(SubscribeConfigurationRequestSchema, {
      storeName: "settings",
      keys: [...keys],
    });
    const stream = client.client.makeServerStreamRequest(
      "/dapr.proto.runtime.v1.Dapr/SubscribeConfiguration",
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes: Buffer) => fromBinary(SubscribeConfigurationResponseSchema, bytes),
      toBinary(SubscribeConfigurationRequestSchema, request),
      new Metadata(),
    );
    stream.on("data", (message: SubscribeConfigurationResponse) => seen.push(message));
    stream.on("error", () => {});
    stream.on("status", ({ code }) => (ended.code = code));
    onTestFinished(() => stream.cancel());
    return { seen, ended, cancel: () => stream.cancel() };
  }

  it("posts updates to an app that subscribed over HTTP, until it unsubscribes", async () => {
    await redis.cli("SET", "color", "red||1");
    const got = await api("/v1.0/configuration/settings?key=color");
    expect(await got.json()).toEqual({ color: { value: "red", version: "1" } });
    const answer = await api("/v1.0/configuration/settings/subscribe?key=color&key=size");
    const { id } = (await answer.json()) as { id: string };
    await redis.cli("SET", "color", "blue||2");
    // This app does not know the path, which is nothing but a line in the log.
    const [call] = await eventually(async () => {
      const calls = await app.saw("/configuration/settings/color");
      return calls.length > 0 && calls;
    });
    expect(call).toMatchObject({ method: "POST", headers: { "content-type": "application/json" } });
    expect(JSON.parse(call?.body ?? "")).toEqual({
      id,
      items: { color: { value: "blue", version: "2" } },
    });
    const unsubscribe = `/v1.0/configuration/settings/${id}/unsubscribe`;
    expect(await (await api(unsubscribe)).json()).toEqual({ ok: true });
    expect((await api(unsubscribe)).status).toBe(500);
    await eventually(async () => (await channels()) === "");
  });
  it("streams updates to a gRPC client, until it cancels", async () => {
    const { seen, cancel } = subscribe(["shape"]);
    await eventually(() => seen.length === 1);
    expect(seen[0]?.id).not.toBe("");
    expect(await channels()).toBe("__keyspace@0__:shape");
    await redis.cli("SET", "shape", "round");
    await eventually(() => seen.length === 2);
    expect(seen[1]).toMatchObject({ id: seen[0]?.id, items: { shape: { value: "round" } } });
    cancel();
    await eventually(async () => (await channels()) === "");
    const { response } = await client.unary("UnsubscribeConfiguration", { id: seen[0]?.id });
    expect(response).toMatchObject({ ok: false });
  });
  it("ends a stream that is unsubscribed", async () => {
    const { seen, ended } = subscribe(["weight"]);
    await eventually(() => seen.length === 1);
    const { response } = await client.unary("UnsubscribeConfiguration", { id: seen[0]?.id });
    expect(response).toMatchObject({ ok: true });
    await eventually(() => ended.code !== undefined);
    expect(ended.code).toBe(status.OK);
  });
  it("locks over HTTP what it unlocks over gRPC", async () => {
    const body = { resourceId: "r", lockOwner: "me", expiryInSeconds: 60 };
    const lock = async (): Promise<unknown> => {
      const init = { method: "POST", body: JSON.stringify(body) };
      return (await api("/v1.0-alpha1/lock/locks", init)).json();
    };
    expect(await lock()).toEqual({ success: true });
    expect(await lock()).toEqual({ success: false });
    expect(await redis.cli("GET", "lock||locks||r")).toBe("me");
    const { response } = await client.unary("UnlockAlpha1", {
      storeName: "locks",
      resourceId: "r",
      lockOwner: "me",
    });
    expect(response).toMatchObject({ status: 0 });
    expect(await lock()).toEqual({ success: true });
  });
  it("stops in time with subscriptions open, and leaves nothing at the server", async () => {
    const open = subscribe([]);
    await eventually(() => open.seen.length === 1);
    await api("/v1.0/configuration/settings/subscribe?key=color");
    await runtime.stop();
    expect(open.ended.code).toBe(status.OK);
    // The connection that asks is there, and no other.
    await eventually(async () => (await redis.cli("CLIENT", "LIST")).split("\n").length === 1);
  });
});
