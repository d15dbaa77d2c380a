import { describe, expect, it } from "vitest";
import { bindingsHttp } from "#core/blocks/bindings/http.ts";
import { conversationHttp } from "#core/blocks/conversation/http.ts";
import { healthHttp } from "#core/blocks/health/http.ts";
import { metadataHttp } from "#core/blocks/metadata/http.ts";
import { pubsubHttp } from "#core/blocks/pubsub/http.ts";
import { secretsHttp } from "#core/blocks/secrets/http.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { type KeptSpan, spanKeeper } from "#test/support/span-keeper.ts";
import { api, type ApiRequest } from "../api.ts";
import { testPubSub } from "../blocks/pubsub/support.ts";

const blocks = [
  stateHttp,
  pubsubHttp,
  bindingsHttp,
  secretsHttp,
  conversationHttp,
  metadataHttp,
  healthHttp,
];
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
async function spansOf(path: string, request: ApiRequest = {}): Promise<readonly KeptSpan[]> {
  const { tracer, spans } = spanKeeper();
  const port = testPubSub();
  const app = fakeApp({
    samplingRate: 1,
    tracer,
    components: [{ kind: "pubsub", name: "ps", port }],
  });
  await api(app, blocks)(path, request);
  return spans;
}
const general = (method: string, path: string, status: number, full = path) => ({
  "dapr.api": `${method} ${path}`,
  "dapr.protocol": "http",
  "dapr.status_code": String(status),
  "http.request.method": method,
  "url.full": full,
});
const store = (system: string, name: string, statement: string) => ({
  "db.system": system,
  "db.connection_string": system,
  "db.name": name,
  "db.statement": statement,
});
const invocation = (id: string) => ({ "rpc.service": "ServiceInvocation", "net.peer.name": id });

describe("spans of the HTTP API", () => {
  it.each<[string, string, string, object]>([
    [
      "GET",
      "/v1.0/state/s/k",
      "/v1.0/state/s/k",
      { ...general("GET", "/v1.0/state/s/k", 500), ...store("state", "s", "GET /v1.0/state/s/k") },
    ],
    [
      "GET",
      "//v1.0//state/s/a%20b?x=1",
      "/v1.0/state/s/a b",
      {
        ...general("GET", "/v1.0/state/s/a b", 500, "//v1.0//state/s/a%20b?x=1"),
        ...store("state", "s", "GET /v1.0/state/s/a b"),
      },
    ],
    [
      "GET",
      "/v1.0/secrets/vault/key",
      "/v1.0/secrets/vault/key",
      {
        ...general("GET", "/v1.0/secrets/vault/key", 500),
        ...store("secrets", "vault", "GET /v1.0/secrets/vault/key"),
      },
    ],
    [
      "POST",
      "/v1.0/bindings/hook",
      "/v1.0/bindings/hook",
      {
        ...general("POST", "/v1.0/bindings/hook", 400),
        ...store("bindings", "hook", "POST /v1.0/bindings/hook"),
      },
    ],
    [
      "POST",
      "/v1.0/publish/ps/a/b",
      "/v1.0/publish/ps/a/b",
      { ...general("POST", "/v1.0/publish/ps/a/b", 204), "messaging.system": "pubsub" },
    ],
    [
      "POST",
      "/v1.0-alpha1/conversation/gpt/converse",
      "/v1.0-alpha1/conversation/gpt/converse",
      general("POST", "/v1.0-alpha1/conversation/gpt/converse", 400),
    ],
    ["GET", "/v1.0/metadata", "/v1.0/metadata", general("GET", "/v1.0/metadata", 200)],
    [
      "PUT",
      "/v1.0/invoke/cart/method/a/b?token=t",
      "CallLocal/cart/a/b",
      {
        ...general(
          "PUT",
          "/v1.0/invoke/cart/method/a/b",
          500,
          "/v1.0/invoke/cart/method/a/b?token=REDACTED",
        ),
        ...invocation("cart"),
      },
    ],
    [
      "GET",
      "/v1.0/invoke/http://me:pw@host/method/m",
      "CallLocal/http://host/m",
      {
        ...general(
          "GET",
          "/v1.0/invoke/http:/host/method/m",
          500,
          "/v1.0/invoke/http://host/method/m",
        ),
        ...invocation("http://host"),
      },
    ],
    ["GET", "/nowhere", "/nowhere", general("GET", "/nowhere", 404)],
  ])("%s %s is called %s", async (method, path, name, attributes) => {
    const given = method === "POST" || method === "PUT" ? { body: "{" } : {};
    const [span, ...more] = await spansOf(path, { method, ...given });
    expect(more).toEqual([]);
    expect(span).toMatchObject({ name, kind: "client", parentId: "" });
    expect(span?.attributes).toEqual(attributes);
  });
  it.each([
    ["/v1.0/metadata", undefined],
    ["/v1.0/state/s/k", "Code(500): Internal Server Error"],
    ["/nowhere", "Code(404): Not Found"],
  ])("%s ends with error %s", async (path, error) => {
    expect((await spansOf(path))[0]?.error).toBe(error);
  });
  it.each(["/v1.0/healthz", "/v1.0/healthz/outbound"])("%s has none", async (path) => {
    expect(await spansOf(path, { headers: { traceparent } })).toEqual([]);
  });
  it("continue the caller's trace, if it is sampled", async () => {
    const [span] = await spansOf("/v1.0/metadata", { headers: { traceparent } });
    expect(span).toMatchObject({
      traceId: traceparent.slice(3, 35),
      parentId: traceparent.slice(36, 52),
    });
    const unsampled = { traceparent: traceparent.replace(/01$/, "00") };
    expect(await spansOf("/v1.0/metadata", { headers: unsampled })).toEqual([]);
  });
  it("show dapr- headers by their names in lower case, and no credentials", async () => {
    const headers = {
      "Dapr-Ticket": "T-7",
      "dapr-api-token": "secret",
      "dapr-authorization": "secret",
      "dapr-trace-bin": "AA==",
      "x-dapr-not": "1",
      authorization: "secret",
    };
    const [span] = await spansOf("/v1.0/metadata", { headers });
    expect(span?.attributes).toMatchObject({ "dapr-ticket": "T-7" });
    expect(JSON.stringify(span)).not.toMatch(/secret|AA==|x-dapr-not/);
  });
  it("of a bulk publish hold one of each event, which the event names", async () => {
    const { tracer, spans } = spanKeeper();
    const port = testPubSub({
      fail: ({ message }) =>
        String(message.data).includes('"bad"') ? new Error("full") : undefined,
    });
    const app = fakeApp({
      samplingRate: 1,
      tracer,
      components: [{ kind: "pubsub", name: "ps", port }],
    });
    const entry = (entryId: string, event: string) => ({
      entryId,
      event,
      contentType: "text/plain",
    });
    const path = "/v1.0/publish/bulk/ps/orders";
    await api(app, blocks)(path, {
      method: "POST",
      body: [entry("1", "good"), entry("2", "bad")],
      headers: { "content-type": "application/json", traceparent },
    });
    const [bad, good, whole] = spans;
    expect(whole).toMatchObject({
      name: path,
      kind: "client",
      error: "Code(500): Internal Server Error",
    });
    expect(good).toMatchObject({
      name: path,
      kind: "producer",
      parentId: whole?.spanId,
      error: undefined,
    });
    expect(bad).toMatchObject({
      name: path,
      kind: "producer",
      parentId: whole?.spanId,
      error: "full",
    });
    const named = port.published.map(({ message }) =>
      (JSON.parse(String(message.data)) as { readonly traceparent: string }).traceparent.slice(
        36,
        52,
      ),
    );
    expect(named).toEqual([good?.spanId]);
  });
  it("are not made where nothing exports", async () => {
    const answer = await api(fakeApp({ samplingRate: 1 }), blocks)("/v1.0/metadata");
    expect(answer.headers.get("traceparent")).toMatch(/-01$/);
  });
});

describe("trace headers of an answer", () => {
  const echo = {
    send: async () => ({
      status: 200,
      headers: ["traceparent", "the-apps-own", "tracestate", "x=y"],
    }),
  };
  it("are the app's own where it names its span", async () => {
    const app = fakeApp({ samplingRate: 1, channel: echo });
    const answer = await api(app, [], { find: () => app })("/v1.0/invoke/app/method/m", {
      headers: { traceparent },
    });
    expect(answer.headers.get("traceparent")).toBe("the-apps-own");
    expect(answer.headers.get("tracestate")).toBe("x=y");
  });
  it("leave the caller's binary header to nobody", async () => {
    const seen: string[] = [];
    const app = fakeApp({
      samplingRate: 1,
      channel: {
        send: async ({ headers }) => {
          seen.push(...headers.filter((_, i) => i % 2 === 0));
          return { status: 200, headers: [] };
        },
      },
    });
    await api(app, [], { find: () => app })("/v1.0/invoke/app/method/m", {
      headers: { "grpc-trace-bin": "AA==" },
    });
    expect(seen).toContain("traceparent");
    expect(seen).not.toContain("grpc-trace-bin");
  });
});
