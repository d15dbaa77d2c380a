import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { createBudget, createUsage } from "#core/budget/budget.ts";
import { createLoopShare } from "#core/budget/loop-share.ts";
import { boundTo, fakeServices } from "#test/support/runtime-services.ts";
import { cryptoGrpc } from "#core/blocks/crypto/grpc.ts";
import { admit } from "#core/gate/admit.ts";
import { healthHttp } from "#core/blocks/health/http.ts";
import { metadataHttp } from "#core/blocks/metadata/http.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import { compose } from "#core/kernel/operation.ts";
import { bulkPublish } from "#core/blocks/pubsub/bulk.ts";
import type { GrpcBlock } from "#core/wire/grpc/surface.ts";
import { pubsubGrpc } from "#core/blocks/pubsub/grpc.ts";
import { createCalls } from "#core/kernel/calls.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { plainFacts, plainOperation } from "#test/support/plain-operation.ts";
import { api, silent } from "../api.ts";
import { appWith, httpOf, sample, secretKey } from "../blocks/crypto/support.ts";
import { grpcClient, grpcError } from "../grpc-call.ts";

describe("an app over its budget", () => {
  const overBudget = (): App => {
    const loop = createLoopShare(fakeClock(), undefined);
    const budget = createBudget({ maxConcurrentCalls: 1 }, createUsage(), loop, undefined);
    budget?.enter(0);
    return fakeApp({ budget });
  };
  it.each([
    ["GET", "/v1.0/metadata", 200],
    ["PUT", "/v1.0/metadata/key", 204],
    ["GET", "/v1.0/healthz", 204],
    ["GET", "/v1.0/healthz/outbound", 204],
    ["POST", "/v1.0/shutdown", 204],
    ["GET", "/v1.0/state/store/key", 429],
    ["POST", "/v1.0/metadata", 429],
  ])("has %s %s answered with %i", async (method, path, status) => {
    const call = api(overBudget(), [metadataHttp, healthHttp, stateHttp]);
    expect((await call(path, { method })).status).toBe(status);
  });
  it("has its metadata and its shutdown over gRPC as well, and nothing else", async () => {
    const client = grpcClient(overBudget());
    expect(await client.unary("GetMetadata")).toBeDefined();
    await client.unary("SetMetadata", { key: "a", value: "b" });
    await client.unary("Shutdown");
    expect((await grpcError(client.unary("GetState", { storeName: "s" }))).spec.grpc).toBe(8);
  });
});

describe("work of an app without limits", () => {
  it("is noted for the shares of others on every wire", async () => {
    const noted: number[] = [];
    const shared = createLoopShare(fakeClock(), undefined);
    const loop = { ...shared, note: (bytes: number) => void noted.push(bytes) };
    const app = appWith({ aes: secretKey(32) }, { loop });
    await api(app, [metadataHttp])("/v1.0/metadata");
    expect(noted).toEqual([0]);
    await grpcClient(app).unary("SetMetadata", { key: "a", value: "b" });
    expect(noted).toEqual([0, 6]);
    const stream = grpcClient(app, {}, [boundTo(fakeServices(), cryptoGrpc)]).stream(
      "EncryptAlpha1",
      (async function* () {})(),
    );
    await stream.next().catch(() => {});
    expect(noted).toHaveLength(3);
    // What the proxy asks for.
    void admit({ app, header: () => undefined }, { bytes: 0, isStream: true });
    expect(noted).toHaveLength(4);
  });
});

describe("a reload", () => {
  /** Sends the head of a document, and the rest when it is told to. */
  function slowly() {
    const rest = Promise.withResolvers<void>();
    const plaintext = sample(200_000);
    return { finish: () => rest.resolve(), rest: rest.promise, plaintext };
  }
  it("waits for a document that is being encrypted over gRPC", async () => {
    const calls = createCalls();
    const app = appWith({ aes: secretKey(32) }, { calls });
    const { finish, rest, plaintext } = slowly();
    const requests = async function* (): AsyncGenerator<object> {
      const options = { componentName: "vault", keyName: "aes", keyWrapAlgorithm: "A256KW" };
      yield { options, payload: { seq: 0n, data: plaintext } };
      await rest;
    };
    const client = grpcClient(app, {}, [boundTo(fakeServices(), cryptoGrpc)]);
    const stream = client.stream("EncryptAlpha1", requests());
    await stream.next();
    expect(calls.inFlight).toBe(1);
    finish();
    for await (const message of stream) void message;
    expect(calls.inFlight).toBe(0);
  });
  it("waits for one over HTTP until its last byte has gone", async () => {
    const calls = createCalls();
    const app = appWith({ aes: secretKey(32) }, { calls });
    const response = await httpOf(app)("crypto/vault/encrypt", {
      method: "PUT",
      headers: { "dapr-key-name": "aes", "dapr-key-wrap-algorithm": "A256KW" },
      body: sample(200_000).slice().buffer,
    });
    expect(response.status).toBe(200);
    expect(calls.inFlight).toBe(1);
    await response.arrayBuffer();
    expect(calls.inFlight).toBe(0);
  });
  it.each([true, false])(
    "waits for a stream that lasts, if it uses a component: %s",
    async (uses) => {
      const calls = createCalls();
      const operation = plainOperation<undefined, AsyncGenerator<string>>(
        "test.stream",
        async function () {
          return (async function* () {
            yield "first";
            await new Promise(() => {});
          })();
        },
        uses ? { ...plainFacts, streamUsesComponent: true } : plainFacts,
      );
      const block: GrpcBlock = (routes) =>
        routes.bidi(
          "SubscribeTopicEventsAlpha1",
          operation,
          () => undefined,
          () => ({}),
        );
      const client = grpcClient(fakeApp({ calls }), {}, [block]);
      const none = (async function* (): AsyncGenerator<object> {})();
      await client.stream("SubscribeTopicEventsAlpha1", none).next();
      expect(calls.inFlight).toBe(uses ? 1 : 0);
    },
  );
});

describe("the port where no token is asked for", () => {
  const call = (method: string, path: string): Response | Promise<Response> => {
    const surface = createHttp(
      compose([]),
      [
        metadataHttp,
        healthHttp,
        (routes) =>
          routes.fallback(
            plainOperation("invoke.call", async () => undefined),
            () => undefined,
            () => ({ status: 299 }),
          ),
      ],
      silent,
    );
    const app = fakeApp({ apiTokens: ["a token"] });
    return surface(new Request("http://localhost/", { method }), {
      app,
      target: path,
      rawHeaders: ["dapr-app-id", "victim"],
      isPublicListener: true,
    });
  };
  it.each([
    ["GET", "/v1.0/healthz", 204],
    ["GET", "/v1.0/metadata", 200],
    ["POST", "/v1.0/shutdown", 404],
    // Each of these would be an invocation.
    ["POST", "/v1.0/healthz", 404],
    ["DELETE", "/v1.0/metadata", 404],
    ["GET", "/anything", 404],
  ])("answers %s %s with %i", async (method, path, status) => {
    expect((await call(method, path)).status).toBe(status);
  });
});

describe("operations with two spellings", () => {
  it("have the same facts over both wires", () => {
    const found = new Map<string, object>();
    const note = (rpc: string, operation: object): void => void found.set(rpc, operation);
    pubsubGrpc({ unary: note, serverStream: note, bidi: note });
    const { run: _, ...facts } = bulkPublish;
    expect(found.get("BulkPublishEvent")).toMatchObject(facts);
  });
});
