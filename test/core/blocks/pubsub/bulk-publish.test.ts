import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import { fakeApp } from "#test/support/fake-app.ts";
import { normalised, publishApi, testPubSub } from "./support.ts";

const json = { "content-type": "application/json" };
const envelope = (topic = "prog", source = "app"): string =>
  `"id":"<uuid>","pubsubname":"ps","source":"${source}","specversion":"1.0","time":"<time>","topic":"${topic}","traceid":"<traceparent>","traceparent":"<traceparent>","tracestate":"","type":"com.dapr.event.sent"`;

function setUp(
  options: Parameters<typeof testPubSub>[0] = {},
  more: FakeAppOptions & { maxBodyBytes?: number } = {},
) {
  const ps = testPubSub(options);
  const app = fakeApp({
    samplingRate: 1,
    components: [{ kind: "pubsub", name: "ps", port: ps }],
    ...more,
  });
  const post = publishApi(app);
  return {
    ps,
    send: (body: unknown, path = "/v1.0/publish/bulk/ps/prog") => post(path, body, json),
    events: () => ps.published.map(({ message }) => normalised(String(message.data))),
  };
}

describe("bulk publish", () => {
  it("wraps each entry as its content type says, each in a span of its own", async () => {
    const { send, events, ps } = setUp();
    const answer = await send([
      { entryId: "1", event: { n: 1 }, contentType: "application/json" },
      { entryId: "2", event: "text", contentType: "text/plain" },
      { entryId: "3", event: "Ynl0ZXM=", contentType: "application/octet-stream" },
    ]);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(events()).toEqual([
      `{"data":{"n":1},"datacontenttype":"application/json",${envelope()}}`,
      `{"data":"text","datacontenttype":"text/plain",${envelope()}}`,
      `{"data_base64":"Ynl0ZXM=","datacontenttype":"application/octet-stream",${envelope()}}`,
    ]);
    const spans = ps.published.map(
      ({ message }) => JSON.parse(String(message.data)).traceparent as string,
    );
    expect(new Set(spans).size).toBe(3);
    expect(new Set(spans.map((span) => span.slice(0, 35))).size).toBe(1);
  });

  it("answers on the alpha route too", async () => {
    const { send, events } = setUp();
    const body = [{ entryId: "1", event: "x", contentType: "text/plain" }];
    expect((await send(body, "/v1.0-alpha1/publish/bulk/ps/prog")).status).toBe(204);
    expect(events()).toEqual([`{"data":"x","datacontenttype":"text/plain",${envelope()}}`]);
  });

  it("leaves /publish/bulk/<topic> to the single publish", async () => {
    const { send } = setUp();
    expect((await send({}, "/v1.0/publish/bulk/x")).text).toContain("pubsub bulk is not found");
  });

  it.each([
    [
      "same id",
      [
        { entryId: "1", event: "a", contentType: "text/plain" },
        { entryId: "1", event: "b", contentType: "text/plain" },
      ],
    ],
    ["no id", [{ event: "a", contentType: "text/plain" }]],
  ])("refuses entries with %s", async (_, body) => {
    const { send, ps } = setUp();
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual(
      JSON.parse(
        '{"errorCode":"ERR_PUBSUB_EVENTS_SER","message":"error marshaling events to bytes for topic prog pubsub ps. error: entryId is duplicated or not present for entry","details":[{"@type":"type.googleapis.com/google.rpc.ResourceInfo","description":"error marshaling events to bytes for topic prog pubsub ps. error: entryId is duplicated or not present for entry","owner":"","resource_name":"ps","resource_type":"pubsub"},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"dapr.io","metadata":{"appID":"app","error":"entryId is duplicated or not present for entry"},"reason":"DAPR_PUBSUB_MARSHAL_EVENTS"}]}',
      ),
    );
    expect(ps.published).toEqual([]);
  });

  it("refuses a body that is not valid JSON", async () => {
    const { send } = setUp();
    const answer = await send("{");
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual(
      JSON.parse(
        '{"errorCode":"ERR_PUBSUB_EVENTS_SER","message":"error when unmarshaling the request for topic prog pubsub ps: unexpected EOF","details":[{"@type":"type.googleapis.com/google.rpc.ResourceInfo","description":"error when unmarshaling the request for topic prog pubsub ps: unexpected EOF","owner":"","resource_name":"ps","resource_type":"pubsub"},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"dapr.io","metadata":{"appID":"app"},"reason":"DAPR_PUBSUB_UNMARSHAL_EVENTS"}]}',
      ),
    );
  });

  it.each([
    ["an object", { a: 1 }],
    ["entries that are not objects", ["x"]],
    ["an id that is not text", [{ entryId: 1, event: "a", contentType: "text/plain" }]],
    [
      "metadata that is not a map of texts",
      [{ entryId: "1", event: "a", contentType: "text/plain", metadata: { a: 1 } }],
    ],
  ])("refuses %s", async (_, body) => {
    const { send } = setUp();
    const answer = await send(body);
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringContaining("DAPR_PUBSUB_UNMARSHAL_EVENTS"),
    ]);
    expect(answer.text).toContain("json: cannot unmarshal");
  });

  it("refuses a body that is too large", async () => {
    const { send } = setUp({}, { maxBodyBytes: 10 });
    const answer = await send(`[${" ".repeat(20)}]`);
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringContaining("stream too large"),
    ]);
  });

  it.each([
    ["text that is not text", { event: { a: 1 }, contentType: "text/plain" }],
    ["octets that are not text", { event: 5, contentType: "application/octet-stream" }],
    [
      "octets that are not valid base64",
      { event: "a*b=", contentType: "application/octet-stream" },
    ],
    ["an unknown content type", { event: "a", contentType: "image/png" }],
    ["no content type", { event: "a" }],
  ])("refuses %s", async (_, entry) => {
    const { send, ps } = setUp();
    const answer = await send([{ entryId: "1", ...entry }]);
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringContaining("DAPR_PUBSUB_MARSHAL_ENVELOPE"),
    ]);
    expect(ps.published).toEqual([]);
  });

  it("takes an empty list", async () => {
    const { send, ps } = setUp();
    expect((await send([])).status).toBe(204);
    expect(ps.published).toEqual([]);
  });

  it("lets an entry's metadata win over the request's, which only entries with metadata see", async () => {
    const { send, ps } = setUp();
    const entry = { event: "a", contentType: "text/plain" };
    await send(
      [
        { ...entry, entryId: "1", metadata: { "cloudevent.id": "mine" } },
        { ...entry, entryId: "2", metadata: {} },
        { ...entry, entryId: "3" },
      ],
      "/v1.0/publish/bulk/ps/prog?metadata.cloudevent.id=all",
    );
    const ids = ps.published.map(({ message }) => JSON.parse(String(message.data)).id as string);
    expect(ids).toEqual(["mine", "all", expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(ps.published.map(({ message }) => message.metadata)).toEqual([
      { "cloudevent.id": "mine" },
      { "cloudevent.id": "all" },
      {},
    ]);
  });

  it("sends raw entries as they are", async () => {
    const { send, ps } = setUp();
    await send(
      [{ entryId: "1", event: { a: 1 }, contentType: "application/json" }],
      "/v1.0/publish/bulk/ps/t?metadata.rawPayload=true",
    );
    expect(ps.published[0]?.message.data).toBe('{"a":1}');
  });

  it("answers 500 with the entries that failed", async () => {
    const { send, ps } = setUp({
      fail: ({ message }) =>
        String(message.data).includes('"bad"') ? new Error("too odd") : undefined,
    });
    const entry = (id: string, event: string) => ({
      entryId: id,
      event,
      contentType: "text/plain",
    });
    const answer = await send([entry("1", "good"), entry("2", "bad"), entry("3", "good")]);
    expect(answer.status).toBe(500);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.text).toBe(
      '{"failedEntries":[{"entryId":"2","error":"too odd"}],"errorCode":"ERR_PUBSUB_PUBLISH_MESSAGE"}',
    );
    expect(ps.published.length).toBe(2);
  });

  it("gives a broker without batches at most 100 messages at a time", async () => {
    const sizes: number[] = [];
    const ps = testPubSub();
    const port = {
      ...ps,
      publish: async (...given: Parameters<typeof ps.publish>) => (
        sizes.push(given[1].length),
        ps.publish(...given)
      ),
    };
    const post = publishApi(fakeApp({ components: [{ kind: "pubsub", name: "ps", port }] }));
    const body = Array.from({ length: 250 }, (_, i) => ({
      entryId: String(i),
      event: "a",
      contentType: "text/plain",
    }));
    expect((await post("/v1.0/publish/bulk/ps/t", body, json)).status).toBe(204);
    expect(sizes).toEqual([100, 100, 50]);
  });

  it("refuses a topic that is not the app's, and a component that is not there", async () => {
    const port = testPubSub();
    const app = fakeApp({
      components: [{ kind: "pubsub", name: "ps", port, metadata: { protectedtopics: "t" } }],
    });
    const post = publishApi(app);
    const body = [{ entryId: "1", event: "a", contentType: "text/plain" }];
    expect((await post("/v1.0/publish/bulk/ps/t", body, json)).status).toBe(403);
    expect((await post("/v1.0/publish/bulk/nope/t", body, json)).status).toBe(404);
    expect(port.published).toEqual([]);
  });
});
