import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/state-store.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { boundGrpcBlocks, boundTo, fakeServices } from "#test/support/runtime-services.ts";
import { rpcs, type UnaryRpc } from "#core/wire/grpc/rpcs.ts";
import { createGrpc, type GrpcMethod } from "#core/wire/grpc/surface.ts";
import { invokeGrpc } from "#core/blocks/invoke/grpc.ts";
import { compose } from "#core/kernel/operation.ts";
import type { OutputBinding } from "#core/ports/bindings.ts";
import type { PlainRequest, Platform } from "#core/ports/platform.ts";
import type { SecretStore } from "#core/ports/secret-store.ts";
import { type FakeAppOptions, fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../../api.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";
import { testPubSub } from "../../blocks/pubsub/support.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

describe("state over gRPC", () => {
  const client = (extra: FakeAppOptions = {}) =>
    grpcClient(
      fakeApp({
        components: [{ kind: "state", name: "mem", port: open(fakeClock()), keyPrefix: "app||" }],
        ...extra,
      }),
    );

  it("keeps bytes as they are", async () => {
    const call = client();
    const value = new Uint8Array([0, 255, 128, 10]);
    await call.unary("SaveState", { storeName: "mem", states: [{ key: "a", value }] });
    const answer = await call.unary("GetState", { storeName: "mem", key: "a" });
    expect([...answer.data]).toEqual([...value]);
    expect(answer.etag).not.toBe("");
  });
  it("parses what says it is JSON, and refuses what is none", async () => {
    const call = client();
    const save = (value: string) =>
      call.unary("SaveState", {
        storeName: "mem",
        states: [{ key: "j", value: bytes(value), metadata: { contentType: "application/json" } }],
      });
    await save(' { "a" : 1 } ');
    expect(text((await call.unary("GetState", { storeName: "mem", key: "j" })).data)).toBe(
      '{"a":1}',
    );
    expect((await grpcError(save("{"))).code).toBe("ERR_STATE_SAVE");
  });
  it("checks an etag that is there, and no other", async () => {
    const call = client();
    const save = (etag?: { value: string }, concurrency = 0) =>
      call.unary("SaveState", {
        storeName: "mem",
        states: [
          { key: "e", value: bytes("1"), ...(etag ? { etag } : {}), options: { concurrency } },
        ],
      });
    await save();
    expect((await grpcError(save({ value: "4711" }))).spec.grpc).toBe(10);
    expect((await grpcError(save(undefined, 1))).spec.grpc).toBe(10);
    const { etag } = await call.unary("GetState", { storeName: "mem", key: "e" });
    await save({ value: etag as string });
  });
  it("deletes in bulk what it can, and tells of the rest", async () => {
    const call = client();
    await call.unary("SaveState", {
      storeName: "mem",
      states: ["a", "b"].map((key) => ({ key, value: bytes(key) })),
    });
    const error = await grpcError(
      call.unary("DeleteBulkState", {
        storeName: "mem",
        states: [{ key: "a" }, { key: "b", etag: { value: "4711" } }],
      }),
    );
    expect(error).toMatchObject({ code: "ERR_STATE_BULK_DELETE", spec: { grpc: 10 } });
    const { items } = await call.unary("GetBulkState", { storeName: "mem", keys: ["a", "b"] });
    expect(items.map((item: { data: Uint8Array }) => text(item.data))).toEqual(["", "b"]);
  });
  it("changes all of a transaction or nothing", async () => {
    const call = client();
    const operations = [
      { operationType: "upsert", request: { key: "t", value: bytes("t") } },
      { operationType: "delete", request: { key: "u", etag: { value: "4711" } } },
    ];
    const error = await grpcError(
      call.unary("ExecuteStateTransaction", { storeName: "mem", operations }),
    );
    expect(error).toMatchObject({ code: "ERR_STATE_TRANSACTION", spec: { grpc: 13 } });
    expect((await call.unary("GetState", { storeName: "mem", key: "t" })).data).toHaveLength(0);
  });
});

describe("publishing over gRPC", () => {
  it("makes the same event as HTTP does", async () => {
    const pubsub = testPubSub();
    const app = fakeApp({ components: [{ kind: "pubsub", name: "ps", port: pubsub }] });
    await grpcClient(app).unary("PublishEvent", {
      pubsubName: "ps",
      topic: "t",
      data: bytes('{"n":1}'),
      dataContentType: "application/json",
    });
    expect(JSON.parse(pubsub.published[0]?.message.data as string)).toMatchObject({
      data: { n: 1 },
      datacontenttype: "application/json",
      source: "app",
      topic: "t",
    });
  });
  it("fails as a whole when the broker refuses a part", async () => {
    const pubsub = testPubSub({
      fail: ({ message }) =>
        String(message.data).includes("bad") ? new Error("no room for bad") : undefined,
    });
    const app = fakeApp({ components: [{ kind: "pubsub", name: "ps", port: pubsub }] });
    const error = await grpcError(
      grpcClient(app).unary("BulkPublishEvent", {
        pubsubName: "ps",
        topic: "t",
        entries: ["good", "bad"].map((entryId) => ({
          entryId,
          event: bytes(entryId),
          contentType: "text/plain",
        })),
      }),
    );
    expect(error.code).toBe("ERR_PUBSUB_PUBLISH_MESSAGE");
    expect(error.message).toContain("bad");
  });
});

describe("bindings and secrets over gRPC", () => {
  it("hands incoming metadata to the binding, the caller's token left out", async () => {
    const seen: unknown[] = [];
    const port: OutputBinding = {
      operations: ["create"],
      invoke: async (operation, request) => {
        seen.push({ operation, ...request });
        return { data: "done", metadata: { State: "ok" } };
      },
      [Symbol.asyncDispose]: async () => {},
    };
    const app = fakeApp({ components: [{ kind: "bindings.output", name: "b", port }] });
    const call = grpcClient(app, {
      "dapr-api-token": "secret",
      "grpc-timeout-hint": "1",
      mine: "header",
      own: "header",
    });
    const answer = await call.unary("InvokeBinding", {
      name: "b",
      operation: "create",
      data: bytes("x"),
      metadata: { own: "request" },
    });
    expect(text(answer.data)).toBe("done");
    expect(answer.metadata).toEqual({ State: "ok" });
    expect(call.headers.get("metadata.state")).toBe("ok");
    expect(seen).toMatchObject([
      { metadata: { mine: "header", own: "request", "dapr-grpc-timeout-hint": "1" } },
    ]);
    expect(JSON.stringify(seen)).not.toContain("secret");
  });
  it("gives secrets, one and all", async () => {
    const port: SecretStore = {
      get: async (name) => ({ [name]: "v" }),
      list: async () => ({ a: { a: "1" } }),
      [Symbol.asyncDispose]: async () => {},
    };
    const call = grpcClient(fakeApp({ components: [{ kind: "secretstores", name: "s", port }] }));
    expect((await call.unary("GetSecret", { storeName: "s", key: "k" })).data).toEqual({ k: "v" });
    const bulk = await call.unary("GetBulkSecret", { storeName: "s" });
    expect(bulk.data.a.secrets).toEqual({ a: "1" });
  });
});

describe("InvokeService", () => {
  const invoking = (
    answer: {
      readonly status: number;
      readonly headers?: readonly string[];
      readonly body?: string;
    },
    metadata: Readonly<Record<string, string>> = {},
  ) => {
    const seen: PlainRequest[] = [];
    const app = fakeApp({
      channel: {
        send: async (request) => {
          seen.push(request);
          return { headers: [], ...answer };
        },
      },
    });
    const platform = { host: { address: "10.0.0.7", name: "n" } } as unknown as Platform;
    const services = fakeServices(platform, () => app);
    return { seen, call: grpcClient(app, metadata, [boundTo(services, invokeGrpc)]) };
  };
  const message = {
    method: "orders/1",
    data: { typeUrl: "", value: bytes("body") },
    contentType: "text/plain",
    httpExtension: { verb: 3, querystring: "a=1" },
  };

  it("is an HTTP request to the app, and its answer", async () => {
    const { seen, call } = invoking(
      {
        status: 201,
        headers: ["Content-Type", "text/html", "X-Mine", "1", "Via", "p"],
        body: "hi",
      },
      { "x-caller": "me", ":authority": "host:1", "content-type": "application/grpc" },
    );
    const answer = await call.unary("InvokeService", { id: "app", message });
    expect(text(answer.data.value)).toBe("hi");
    expect(answer.contentType).toBe("text/html");
    expect(Object.fromEntries(call.headers)).toMatchObject({
      "dapr-http-status": "201",
      "x-mine": "1",
      "dapr-via": "p",
    });
    const [request] = seen;
    expect(request).toMatchObject({ method: "POST", path: "/orders/1?a=1" });
    expect(request?.headers).toEqual(
      expect.arrayContaining(["content-type", "text/plain", "x-caller", "me"]),
    );
    expect(request?.headers).not.toContain("application/grpc");
  });
  it("turns a failing status into an error with the app's own words", async () => {
    const { call } = invoking({ status: 404, body: "nothing here" });
    const error = await grpcError(call.unary("InvokeService", { id: "app", message }));
    expect(error).toMatchObject({ spec: { grpc: 5 }, message: "Not Found" });
    expect(error.details).toMatchObject([{ metadata: { "http.error_message": "nothing here" } }]);
    expect(call.headers.get("dapr-http-status")).toBe("404");
  });
  it.each([undefined, { method: "m" }, { method: "m", httpExtension: { verb: 0 } }])(
    "refuses a message without a verb (%#)",
    async (none) => {
      const { call } = invoking({ status: 200 });
      const error = await grpcError(
        call.unary("InvokeService", { id: "app", ...(none ? { message: none } : {}) }),
      );
      expect(error.message).toContain("missing HTTP extension field");
    },
  );
});

/** Whatever comes, an rpc answers, or says what is wrong in an error of its catalogue. */
describe("every unary rpc", () => {
  const app = fakeApp({
    components: [
      { kind: "state", name: "a", port: open(fakeClock()), keyPrefix: "app||" },
      { kind: "pubsub", name: "a", port: testPubSub() },
    ],
  });
  const { methods } = createGrpc(compose([]), boundGrpcBlocks, silent);
  const unary = [...rpcs].filter(([, { path }]) => methods.get(path)?.kind === "unary");
  const caller = {
    app,
    signal: new AbortController().signal,
    header: () => undefined,
    headers: () => [],
    setHeader: () => {},
  };

  it.each(unary.map(([name]) => name as UnaryRpc))("%s", async (rpc) => {
    const method = methods.get(rpcs.get(rpc)?.path ?? "") as Extract<
      GrpcMethod,
      { readonly kind: "unary" }
    >;
    // Length-delimited fields 1 to 4 with short text reach most requests' own checks.
    const field = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom("", "a", "a||b", "\0", "ü".repeat(40)))
      .map(([number, value]) => {
        const data = bytes(value);
        return [(number << 3) | 2, data.length, ...data];
      });
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(field, { maxLength: 5 }).map((fields) => new Uint8Array(fields.flat())),
    );
    await fc.assert(
      fc.asyncProperty(message, async (request) => {
        try {
          await method.call(request, caller);
        } catch (reason) {
          expect(ApiError.is(reason)).toBe(true);
          expect((reason as ApiError).code).not.toBe("ERROR");
        }
      }),
      { numRuns: 500 },
    );
  });
  it("is served", () => {
    const missing = [...rpcs.keys()].filter((name) => !methods.has(rpcs.get(name)?.path ?? ""));
    expect(missing).toEqual([]);
  });
});
