import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { normalised, publishApi, testPubSub } from "./support.ts";

const json = { "content-type": "application/json" };
const cloudEvent = { "content-type": "application/cloudevents+json" };
const traced = '"traceid":"<traceparent>","traceparent":"<traceparent>","tracestate":""';

function setUp(
  options: Parameters<typeof testPubSub>[0] = {},
  more: FakeAppOptions & { maxBodyBytes?: number } = {},
) {
  const ps = testPubSub(options);
  const limited = testPubSub();
  const app = fakeApp({
    samplingRate: 1,
    components: [
      { kind: "pubsub", name: "ps", port: ps },
      {
        kind: "pubsub",
        name: "limited",
        port: limited,
        metadata: { allowedtopics: "one,two", publishingscopes: "app=one", protectedtopics: "two" },
      },
    ],
    ...more,
  });
  return {
    ps,
    limited,
    post: publishApi(app),
    last: () => normalised(String(ps.published.at(-1)?.message.data)),
  };
}

describe("publish", () => {
  // Bodies that a real daprd 1.18 gave its app; "<" and ">" are not escaped here, which is the same JSON.
  it.each([
    ["json", { n: 1 }, json, `{"data":{"n":1},"datacontenttype":"application/json",ENVELOPE}`],
    [
      "text",
      "hello",
      { "content-type": "text/plain" },
      `{"data":"hello","datacontenttype":"text/plain",ENVELOPE}`,
    ],
    [
      "octets",
      "bytes",
      { "content-type": "application/octet-stream" },
      `{"data_base64":"Ynl0ZXM=","datacontenttype":"application/octet-stream",ENVELOPE}`,
    ],
    ["no type", "x", {}, `{"data":"x","datacontenttype":"text/plain",ENVELOPE}`],
    [
      "xml",
      "<a/>",
      { "content-type": "application/xml" },
      `{"data":"<a/>","datacontenttype":"application/xml",ENVELOPE}`,
    ],
    ["nothing", "", {}, `{"data":"","datacontenttype":"text/plain",ENVELOPE}`],
    [
      "json with a charset",
      { a: 1 },
      { "content-type": "application/json; charset=utf-8" },
      `{"data":{"a":1},"datacontenttype":"application/json; charset=utf-8",ENVELOPE}`,
    ],
    [
      "what is not a json",
      "{bad",
      json,
      `{"data":"{bad","datacontenttype":"application/json",ENVELOPE}`,
    ],
  ])("wraps %s as a CloudEvent", async (_, body, headers, event) => {
    const { post, last } = setUp();
    const answer = await post("/v1.0/publish/ps/prog", body, headers as Record<string, string>);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(normalised(answer.headers.get("traceparent") ?? "")).toBe("<traceparent>");
    expect(last()).toBe(
      event.replace(
        "ENVELOPE",
        `"id":"<uuid>","pubsubname":"ps","source":"app","specversion":"1.0","time":"<time>","topic":"prog",${traced},"type":"com.dapr.event.sent"`,
      ),
    );
  });

  it("takes PUT and topics with slashes", async () => {
    const { post, ps } = setUp();
    expect((await post("/v1.0/publish/ps/a/b", {}, json, "PUT")).status).toBe(204);
    expect(ps.published[0]?.topic).toBe("a/b");
  });

  it("keeps the digits of large numbers", async () => {
    const { post, last } = setUp();
    await post("/v1.0/publish/ps/t", '{"big":12345678901234567890, "f":1.0}', json);
    expect(last()).toContain('"data":{"big":12345678901234567890, "f":1.0},');
    await post("/v1.0/publish/ps/t", '{"id":"1","data":{"big":12345678901234567890}}', cloudEvent);
    expect(last()).toContain('"data":{"big":12345678901234567890},');
  });

  it("passes a ready-made event on, its missing fields filled in", async () => {
    const { post, last } = setUp();
    const event = {
      specversion: "1.0",
      type: "my.type",
      source: "me",
      id: "id-1",
      datacontenttype: "application/json",
      data: { n: 3 },
      ext1: "e",
    };
    await post("/v1.0/publish/ps/prog", event, cloudEvent);
    expect(last()).toBe(
      `{"data":{"n":3},"datacontenttype":"application/json","ext1":"e","id":"id-1","pubsubname":"ps","source":"me","specversion":"1.0","time":"<time>","topic":"prog",${traced},"type":"my.type"}`,
    );
  });

  it("makes no id for a ready-made event, and does not name the app as its source", async () => {
    const { post, last } = setUp();
    await post("/v1.0/publish/ps/prog", { data: 1 }, cloudEvent);
    expect(last()).toBe(
      `{"data":1,"pubsubname":"ps","source":"Dapr","specversion":"1.0","time":"<time>","topic":"prog",${traced},"type":"com.dapr.event.sent"}`,
    );
  });

  it("keeps the trace of a ready-made event", async () => {
    const { post, last } = setUp();
    await post("/v1.0/publish/ps/prog", { data: 1, traceid: "mine", __proto__x: 1 }, cloudEvent);
    expect(JSON.parse(last())).toMatchObject({ traceid: "mine", tracestate: "" });
    expect(last()).not.toContain("traceparent");
  });

  it("refuses a ready-made event that is not valid JSON", async () => {
    const { post, ps } = setUp();
    const answer = await post("/v1.0/publish/ps/prog", "nope", cloudEvent);
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toEqual(
      JSON.parse(
        '{"errorCode":"ERR_PUBSUB_CLOUD_EVENTS_SER","message":"cannot create cloudevent","details":[{"@type":"type.googleapis.com/google.rpc.ResourceInfo","description":"cannot create cloudevent","owner":"","resource_name":"ps","resource_type":"pubsub"},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"dapr.io","metadata":{"appID":"app","error":"invalid character \'o\' in literal null (expecting \'u\')"},"reason":"DAPR_PUBSUB_CLOUD_EVENT_CREATION"}]}',
      ),
    );
    expect(ps.published).toEqual([]);
  });

  it.each(["[1]", "null", "3", "12345678901234567890"])(
    "refuses %s as a ready-made event",
    async (body) => {
      const { post } = setUp();
      const answer = await post("/v1.0/publish/ps/prog", body, cloudEvent);
      expect([answer.status, answer.text]).toEqual([
        500,
        expect.stringContaining("json: cannot unmarshal"),
      ]);
    },
  );

  it("takes overrides from the metadata, in any letter case", async () => {
    const { post, ps, last } = setUp();
    await post(
      "/v1.0/publish/ps/prog?metadata.cloudevent.id=over&metadata.CloudEvent.type=t2&metadata.cloudevent.source=s2&metadata.cloudevent.traceid=tr",
      { n: 4 },
      json,
    );
    expect(last()).toBe(
      '{"data":{"n":4},"datacontenttype":"application/json","id":"over","pubsubname":"ps","source":"s2","specversion":"1.0","time":"<time>","topic":"prog","traceid":"tr","traceparent":"tr","tracestate":"","type":"t2"}',
    );
    expect(ps.published[0]?.message.metadata).toMatchObject({ "cloudevent.id": "over" });
    await post(
      "/v1.0/publish/ps/prog?metadata.cloudevent.traceid=a&metadata.cloudevent.traceparent=b&metadata.cloudevent.subject=s",
      {},
      json,
    );
    expect(JSON.parse(last())).toMatchObject({ traceid: "b", traceparent: "b", subject: "s" });
  });

  it("sends the bytes as they are when rawPayload is true", async () => {
    const { post, ps } = setUp();
    const bytes = new Uint8Array([0, 255, 10]);
    await post("/v1.0/publish/ps/raw?metadata.rawPayload=true", bytes, json);
    expect(ps.published[0]?.message).toEqual({ data: bytes, metadata: { rawPayload: "true" } });
  });

  it("refuses a rawPayload that is not a boolean", async () => {
    const { post } = setUp();
    const answer = await post("/v1.0/publish/ps/raw?metadata.rawPayload=maybe", { n: 5 }, json);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual(
      JSON.parse(
        `{"errorCode":"ERR_PUBSUB_REQUEST_METADATA","message":"failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is 'maybe'","details":[{"@type":"type.googleapis.com/google.rpc.ResourceInfo","description":"failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is 'maybe'","owner":"","resource_name":"ps","resource_type":"pubsub"},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"dapr.io","metadata":{"rawPayload":"maybe"},"reason":"DAPR_PUBSUB_METADATA_DESERIALIZATION"}]}`,
      ),
    );
  });

  it("continues the caller's trace in the event and the answer", async () => {
    const { post, ps } = setUp();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await post(
      "/v1.0/publish/ps/t",
      {},
      { ...json, traceparent, tracestate: "a=b" },
    );
    const event = JSON.parse(String(ps.published[0]?.message.data));
    expect(event.traceparent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    );
    expect(event).toMatchObject({ tracestate: "a=b", traceid: event.traceparent });
    expect(answer.headers.get("traceparent")).toBe(event.traceparent);
  });

  it("leaves the trace fields there but empty when tracing is off", async () => {
    const { post, last } = setUp({}, { samplingRate: 0 });
    await post("/v1.0/publish/ps/t", {}, json);
    expect(last()).toContain('"traceid":"","traceparent":"","tracestate":""');
  });

  it.each([
    ["metadata.ttlInSeconds=120", 120],
    ["metadata.ttl=1m30s", 90],
    ["metadata.TTLINSECONDS=1h", 3600],
  ])("ends the event by %s where the broker cannot", async (query, seconds) => {
    const clock = fakeClock();
    const { post, ps } = setUp({}, { owner: { clock } });
    await post(`/v1.0/publish/ps/t?${query}`, {}, json);
    const event = JSON.parse(String(ps.published[0]?.message.data));
    expect(event.expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(event.expiration)).toBe(clock.now() + seconds * 1000);
    expect(Date.parse(event.time)).toBe(clock.now());
  });

  it("leaves the TTL to a broker that knows it, and a senseless TTL out", async () => {
    const native = setUp({ features: ["MESSAGE_TTL"] });
    await native.post("/v1.0/publish/ps/t?metadata.ttlInSeconds=120", {}, json);
    expect(native.last()).not.toContain("expiration");
    const { post, last } = setUp();
    for (const ttl of ["-1", "soon", "1.5"]) {
      await post(`/v1.0/publish/ps/t?metadata.ttlInSeconds=${ttl}`, {}, json);
      expect(last()).not.toContain("expiration");
    }
  });

  it("answers 404 for a component that is not there", async () => {
    const { post } = setUp();
    const answer = await post("/v1.0/publish/nope/t", {}, json);
    expect(answer.status).toBe(404);
    expect(answer.text).toBe(
      '{"errorCode":"ERR_PUBSUB_NOT_FOUND","message":"pubsub nope is not found","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"dapr.io","metadata":{},"reason":"DAPR_PUBSUB_NOT_FOUND"}]}',
    );
  });

  it.each(["/v1.0/publish/ps/", "/v1.0/publish//t", "/v1.0/publish/ps"])(
    "leaves %s to service invocation",
    async (path) => {
      const { post } = setUp();
      expect(await post(path, {}, json)).toMatchObject({ status: 404, text: "fallback" });
    },
  );

  it.each([
    ["three", 403],
    ["two", 403],
    ["one", 204],
  ])("answers for topic %s by the component's scopes: %i", async (topic, status) => {
    const { post, limited } = setUp();
    const answer = await post(`/v1.0/publish/limited/${topic}`, {}, json);
    expect(answer.status).toBe(status);
    expect(limited.published.length).toBe(status === 204 ? 1 : 0);
    if (status === 403)
      expect(JSON.parse(answer.text)).toEqual(
        JSON.parse(
          `{"errorCode":"ERR_PUBSUB_FORBIDDEN","message":"topic ${topic} is not allowed for app id app","details":[{"@type":"type.googleapis.com/google.rpc.ResourceInfo","description":"topic ${topic} is not allowed for app id app","owner":"","resource_name":"limited","resource_type":"pubsub"},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"dapr.io","metadata":{"error":"topic ${topic} is not allowed for app id app","topic":"${topic}"},"reason":"DAPR_PUBSUB_FORBIDDEN"}]}`,
        ),
      );
  });

  it("answers 500 with the broker's reason, whether it is returned or thrown", async () => {
    for (const fail of [
      () => new Error("broker is down"),
      () => {
        throw new Error("broker is down");
      },
    ]) {
      const { post } = setUp({ fail });
      const answer = await post("/v1.0/publish/ps/t", {}, json);
      expect(answer.status).toBe(500);
      expect(JSON.parse(answer.text)).toMatchObject({
        errorCode: "ERR_PUBSUB_PUBLISH_MESSAGE",
        message: "error when publishing to topic t in pubsub ps: broker is down",
        details: [
          { resource_name: "ps" },
          {
            reason: "DAPR_PUBSUB_PUBLISH_MESSAGE",
            metadata: { error: "broker is down", topic: "t" },
          },
        ],
      });
    }
  });

  it("answers 500 for a body that is too large", async () => {
    const { post, ps } = setUp({}, { maxBodyBytes: 10 });
    const answer = await post("/v1.0/publish/ps/t", "x".repeat(11), {});
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toMatchObject({
      errorCode: "ERR_PUBSUB_PUBLISH_MESSAGE",
      message: "error when publishing to topic t in pubsub ps: stream too large",
    });
    expect(ps.published).toEqual([]);
  });
});
