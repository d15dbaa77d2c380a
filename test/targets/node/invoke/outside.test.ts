import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";
import {
  answerText,
  type RawApp,
  rawApp,
  rawCall,
  type RawMessage,
  valuesOf,
} from "#test/support/raw-http.ts";

/** An address outside of the runtime, by name and by URL. */
let server: RawApp;
let runtime: InProcess;
let answer = answerText([]);
beforeAll(async () => {
  server = await rawApp(() => answer);
  const endpoint = {
    apiVersion: "dapr.io/v1alpha1",
    kind: "HTTPEndpoint",
    metadata: { name: "endpoint" },
    spec: {
      baseUrl: `http://127.0.0.1:${server.port}/base`,
      headers: [
        { name: "Authorization", value: "Bearer endpoint" },
        { name: "X-Text", value: "日本" },
        { name: "Connection", value: "close" },
        { name: "Content-Length", value: "7" },
        { name: "Host", value: "elsewhere" },
      ],
    },
  };
  runtime = await nodeRuntime({
    inlineResources: [{ name: "endpoint.yaml", text: JSON.stringify(endpoint) }],
  });
});
afterAll(async () => {
  await runtime?.stop();
  await server?.[Symbol.asyncDispose]();
});
const last = (): RawMessage => server.seen.at(-1) as RawMessage;
const byName = "/v1.0/invoke/endpoint/method/m";
const byUrl = (user = ""): string => `/v1.0/invoke/http://${user}127.0.0.1:${server.port}/method/m`;
const names = ({ headers }: RawMessage): string[] =>
  headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());

describe("a call outside of the runtime", () => {
  it("has an HTTPEndpoint's headers in the place of the caller's", async () => {
    const headers = [
      "authorization: Bearer caller",
      "x-text: caller",
      "x-text: twice",
      "X-Mine: 1",
    ];
    await rawCall(runtime.httpPort, byName, { method: "POST", headers, body: "hello" });
    expect(last().start).toBe("POST /base/m HTTP/1.1");
    expect(valuesOf(last(), "authorization")).toEqual(["Bearer endpoint"]);
    expect(valuesOf(last(), "x-text")).toEqual([Buffer.from("日本").toString("latin1")]);
    expect(valuesOf(last(), "x-mine")).toEqual(["1"]);
    expect(valuesOf(last(), "content-length")).toEqual(["5"]);
    expect(valuesOf(last(), "host")).toEqual([`127.0.0.1:${server.port}`]);
    expect(valuesOf(last(), "connection")).toEqual(["keep-alive"]);
  });
  it("has no headers but the caller's, the trace and those of HTTP itself", async () => {
    const traced = ["traceparent"];
    await rawCall(runtime.httpPort, byUrl(), { headers: ["X-Mine: 1", "User-Agent: me"] });
    const plain = ["host", "connection", "x-mine", "user-agent", ...traced];
    expect(names(last()).sort()).toEqual(plain.sort());
    // Servers exist that refuse those who do not say who they are.
    await rawCall(runtime.httpPort, byName, { headers: ["X-Mine: 1"] });
    expect(valuesOf(last(), "user-agent")).toEqual(["outrigger"]);
    expect(names(last()).sort()).toEqual([...plain, "authorization", "x-text"].sort());
  });
  it("takes the credentials of a URL, unless the caller has some", async () => {
    await rawCall(runtime.httpPort, byUrl("us%2540er:pass@"));
    expect(valuesOf(last(), "authorization")).toEqual([`Basic ${btoa("us@er:pass")}`]);
    expect(last().start).toBe("GET /m HTTP/1.1");
    await rawCall(runtime.httpPort, byUrl("a:b@"), { headers: ["Authorization: Bearer c"] });
    expect(valuesOf(last(), "authorization")).toEqual(["Bearer c"]);
  });
  it("gives an answer back as it is packed", async () => {
    answer = answerText(["Content-Encoding: gzip", "X-Long: " + "x".repeat(100_000)], "no gzip");
    const got = await rawCall(runtime.httpPort, byName, { headers: ["Accept-Encoding: gzip"] });
    answer = answerText([]);
    expect(valuesOf(last(), "accept-encoding")).toEqual(["gzip"]);
    expect(valuesOf(got, "content-encoding")).toEqual(["gzip"]);
    expect(valuesOf(got, "x-long")[0]).toHaveLength(100_000);
    expect(got.body.toString()).toBe("no gzip");
  });
  it("passes a redirect on", async () => {
    answer = answerText(["Location: http://127.0.0.1:1/"], "", "302 Found");
    const got = await rawCall(runtime.httpPort, byName);
    answer = answerText([]);
    expect(got.start).toContain("302");
    expect(valuesOf(got, "location")).toEqual(["http://127.0.0.1:1/"]);
  });
  it("says why no answer came", async () => {
    const got = await rawCall(runtime.httpPort, "/v1.0/invoke/http://127.0.0.1:1/method/m");
    expect(got.start).toContain("500");
    expect(got.body.toString()).toContain("ECONNREFUSED");
  });
});
