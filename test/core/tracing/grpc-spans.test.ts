import { describe, expect, it } from "vitest";
import type { Rpc } from "#core/wire/grpc/rpcs.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { spanKeeper } from "#test/support/span-keeper.ts";
import { grpcClient } from "../grpc-call.ts";
import { testPubSub } from "../blocks/pubsub/support.ts";

const service = "/dapr.proto.runtime.v1.Dapr/";
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
function setUp(metadata: Readonly<Record<string, string>> = {}) {
  const { tracer, spans } = spanKeeper();
  const port = testPubSub();
  const app = fakeApp({
    samplingRate: 1,
    tracer,
    components: [{ kind: "pubsub", name: "ps", port }],
  });
  return { spans, port, client: grpcClient(app, metadata) };
}
const store = (rpc: string, system: string, name: string) => ({
  "db.system": system,
  "db.connection_string": system,
  "db.name": name,
  "db.statement": service + rpc,
});

describe("spans of the gRPC API", () => {
  it.each<[Rpc, object, object]>([
    ["GetState", { storeName: "s", key: "k" }, store("GetState", "state", "s")],
    ["SaveState", { storeName: "s" }, store("SaveState", "state", "s")],
    ["GetBulkState", { storeName: "s" }, store("GetBulkState", "state", "s")],
    ["ExecuteStateTransaction", { storeName: "s" }, store("ExecuteStateTransaction", "state", "s")],
    ["GetSecret", { storeName: "v", key: "k" }, store("GetSecret", "secrets", "v")],
    ["InvokeBinding", { name: "b", operation: "create" }, store("InvokeBinding", "bindings", "b")],
    [
      "PublishEvent",
      { pubsubName: "ps", topic: "t" },
      { "messaging.system": "pubsub", "messaging.destination.name": "t" },
    ],
    [
      "BulkPublishEvent",
      { pubsubName: "ps", topic: "t" },
      { "messaging.system": "pubsub", "messaging.destination.name": "t" },
    ],
    ["ConverseAlpha1", { name: "gpt" }, { "rpc.system": "gpt" }],
    ["GetMetadata", {}, {}],
  ])("%s of %j", async (rpc, request, attributes) => {
    const { spans, client } = setUp({
      traceparent,
      "dapr-ticket": "T",
      "dapr-api-token": "secret",
    });
    const code = await client.unary(rpc, request).then(
      () => 0,
      (reason: { readonly spec: { readonly grpc: number } }) => reason.spec.grpc,
    );
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      name: service + rpc,
      kind: "client",
      traceId: traceparent.slice(3, 35),
      parentId: traceparent.slice(36, 52),
    });
    expect(spans[0]?.error === undefined).toBe(code === 0);
    expect(spans[0]?.attributes).toEqual({
      "dapr-ticket": "T",
      "dapr.api": service + rpc,
      "dapr.protocol": "grpc",
      "dapr.status_code": String(code),
      "rpc.service": "Dapr",
      ...attributes,
    });
  });
  it("of a stream last as long as it does, whoever ends it", async () => {
    const { spans, client } = setUp();
    const requests = (async function* () {
      yield {
        subscribeTopicEventsRequestType: {
          case: "initialRequest",
          value: { pubsubName: "ps", topic: "t" },
        },
      };
      await new Promise(() => {});
    })();
    const stream = client.stream("SubscribeTopicEventsAlpha1", requests);
    await stream.next();
    expect(spans).toEqual([]);
    await stream.return(undefined);
    expect(spans).toMatchObject([
      {
        name: `${service}SubscribeTopicEventsAlpha1`,
        error: undefined,
        attributes: { "dapr.status_code": "0" },
      },
    ]);
  });
  it("of a stream that fails say why", async () => {
    const { spans, client } = setUp();
    const requests = (async function* () {})();
    await client
      .stream("SubscribeTopicEventsAlpha1", requests)
      .next()
      .catch(() => {});
    expect(spans).toMatchObject([{ error: "EOF" }]);
  });
  it("of a bulk publish hold one of each event", async () => {
    const { spans, client } = setUp();
    await client.unary("BulkPublishEvent", {
      pubsubName: "ps",
      topic: "t",
      entries: [{ entryId: "1", event: new Uint8Array([49]), contentType: "text/plain" }],
    });
    const [event, whole] = spans;
    expect(event).toMatchObject({
      name: `${service}BulkPublishEvent`,
      kind: "producer",
      parentId: whole?.spanId,
    });
  });
  it("go along with a raw payload, which no envelope names", async () => {
    const { spans, client, port } = setUp({ traceparent, tracestate: "a=b" });
    const data = new Uint8Array([49]);
    const request = { pubsubName: "ps", topic: "t", data };
    await client.unary("PublishEvent", { ...request, metadata: { rawPayload: "true" } });
    await client.unary("PublishEvent", { ...request, metadata: { rawPayload: "false" } });
    expect(port.published.map(({ message }) => message.metadata)).toEqual([
      {
        rawPayload: "true",
        traceid: `00-${spans[0]?.traceId}-${spans[0]?.spanId}-01`,
        tracestate: "a=b",
      },
      { rawPayload: "false" },
    ]);
  });
  it("baggage is told back, and refused as InvalidArgument where it is none", async () => {
    const { client } = setUp({ baggage: "a=1;p" });
    await client.unary("GetMetadata");
    expect(client.headers.get("baggage")).toBe("a=1;p");
    const { spans, client: bad } = setUp({ baggage: "a b=1" });
    await expect(bad.unary("GetMetadata")).rejects.toMatchObject({
      spec: { grpc: 3 },
      message: 'invalid baggage header: invalid key "a b"',
    });
    expect(spans).toMatchObject([{ error: 'invalid baggage header: invalid key "a b"' }]);
  });
});
