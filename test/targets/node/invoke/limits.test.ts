import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type InvokeWays, invokeWays, wayNames } from "#test/support/invoke-ways.ts";
import {
  answerText,
  type RawApp,
  rawApp,
  rawCall,
  rawClient,
  type RawMessage,
  valuesOf,
} from "#test/support/raw-http.ts";

const readBufferBytes = 64 * 1024;
let app: RawApp;
let ways: InvokeWays;
let answer = answerText([]);
beforeAll(async () => {
  app = await rawApp(({ start }) => (start.includes(" /dapr/") ? answerText([]) : answer));
  ways = await invokeWays(app, { readBufferBytes });
});
afterAll(async () => {
  await ways?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
});
const last = (): RawMessage => app.seen.at(-1) as RawMessage;
const many = (count: number, bytes: number): string[] =>
  Array.from({ length: count }, (_, i) => `X-${i}: ${"v".repeat(bytes)}`);
const counted = (message: RawMessage): number =>
  message.headers.filter((name, i) => i % 2 === 0 && /^x-\d+$/i.test(name)).length;

describe.each(wayNames)("invoking %s", (name) => {
  const call = (options?: Parameters<typeof rawCall>[2]): Promise<RawMessage> => {
    const { port, path } = ways.to(name);
    return rawCall(port, path, options);
  };
  it.each([
    ["one long header", 1, 40_000],
    ["forty of 1 KiB", 40, 1000],
    ["many short ones", 1500, 8],
  ])("takes as many headers as the read buffer holds: %s", async (_, count, bytes) => {
    answer = answerText(many(count, bytes));
    const got = await call({ headers: many(count, bytes) });
    expect(got.start).toContain("200");
    expect(counted(last())).toBe(count);
    expect(counted(got)).toBe(count);
  });
  it("refuses more, in the request and in the answer", async () => {
    answer = answerText([]);
    expect((await call({ headers: many(80, 1000) })).start).toContain("431");
    // Others' servers follow no setting of ours.
    const isOurs = name.includes("app");
    answer = answerText(many(isOurs ? 80 : 1100, 1000));
    const got = await call();
    expect(got.start).toContain("500");
    expect(got.body.toString()).toContain("ERR_DIRECT_INVOKE");
  });
  it.each([200, 299, 302, 404, 418, 511, 599, 600, 799, 999])("gives status %i", async (status) => {
    answer = answerText(["X-A: 1"], "body", `${status} Whatever`);
    const got = await call();
    expect(got.start).toContain(` ${status} `);
    expect(valuesOf(got, "x-a")).toEqual(["1"]);
    expect(got.body.toString()).toBe("body");
  });
  it("passes over interim answers that nobody has asked for", async () => {
    const interim = [
      "100 Continue",
      "102 Processing",
      "103 Early Hints\r\nLink: </a>",
      "100 Go on",
    ];
    answer = interim.map((each) => `HTTP/1.1 ${each}\r\n\r\n`).join("") + answerText(["X-A: 1"]);
    for (const body of [undefined, "hello"]) {
      const got = await call(body === undefined ? {} : { method: "POST", body });
      expect(got.start).toContain("200");
      expect(valuesOf(got, "x-a")).toEqual(["1"]);
    }
  });
  it("answers a client that waits for 100 Continue, and does not ask the app to", async () => {
    answer = answerText([]);
    const got = await call({ method: "POST", body: "hello", headers: ["Expect: 100-continue"] });
    expect(got.start).toContain("200");
    expect(valuesOf(last(), "expect")).toEqual([]);
    expect(last().body.toString()).toBe("hello");
  });
  it("keeps what belongs to one connection, also where a client would like another protocol", async () => {
    answer = answerText([
      "Connection: x-hop",
      "X-Hop: 1",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__",
      "Keep-Alive: timeout=5",
      "Proxy-Authenticate: Basic",
      "X-Mine: 1",
    ]);
    for (const body of [undefined, "hello"]) {
      const headers = [
        "Connection: Upgrade, HTTP2-Settings, X-Hop",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
        "X-Hop: 1",
        "X-Mine: 1",
      ];
      const got = await call({ headers, ...(body === undefined ? {} : { method: "POST", body }) });
      expect(got.start).toContain("200");
      for (const message of [last(), got]) {
        for (const hop of ["upgrade", "http2-settings", "x-hop", "proxy-authenticate"])
          expect(valuesOf(message, hop)).toEqual([]);
        expect(valuesOf(message, "x-mine")).toEqual(["1"]);
      }
      expect(last().body.toString()).toBe(body ?? "");
    }
    await call({ headers: ["Upgrade: websocket", "HTTP2-Settings: AAMAAABkAAQAAP__"] });
    expect(valuesOf(last(), "http2-settings")).toEqual([]);
    expect(valuesOf(last(), "upgrade")).toEqual([]);
  });
  it("takes headers twice that should stand once, and names that are others' in JavaScript", async () => {
    const odd = ["ETag: 1", "ETag: 2", "constructor: c", "toString: s", "hasOwnProperty: h"];
    answer = answerText([...odd, "Age: 1", "Age: 2"]);
    const got = await call({ headers: [...odd, "Referer: 1", "Referer: 2"] });
    expect(got.start).toContain("200");
    expect(valuesOf(got, "etag").join(", ")).toBe("1, 2");
    expect(valuesOf(got, "age").join(", ")).toBe("1, 2");
    expect(valuesOf(last(), "etag").join(", ")).toBe("1, 2");
    expect(valuesOf(last(), "referer").join(", ")).toBe("1, 2");
    for (const message of [got, last()])
      for (const [header, value] of [
        ["constructor", "c"],
        ["tostring", "s"],
        ["hasownproperty", "h"],
      ] as const)
        expect(valuesOf(message, header)).toEqual([value]);
  });
  it.each(["Content-Length: 1234567", "Content-Length: 12", "Transfer-Encoding: chunked"])(
    "asks for a head only, of an answer with %s",
    async (framing) => {
      answer = `HTTP/1.1 200 OK\r\n${framing}\r\nX-A: 1\r\n\r\n`;
      using client = await rawClient(ways.to(name).port);
      client.send(`HEAD ${ways.to(name).path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await eventually(() => /x-a: 1\r\n(?:.*\r\n)*\r\n$/i.test(client.text()));
      expect(client.text()).toMatch(/^HTTP\/1.1 200 /);
      // Nothing follows it but the next answer.
      answer = answerText([], "next");
      const { length } = client.text();
      client.send(`GET ${ways.to(name).path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await eventually(() => client.text().endsWith("next"));
      expect(client.text().slice(length)).toMatch(/^HTTP\/1.1 200 /);
    },
  );
  it.each([204, 205, 304])("gives %i no body, whatever the app says", async (status) => {
    answer = answerText(["X-A: 1"], status === 205 ? "odd" : "", `${status} None`);
    const got = await call();
    expect(got.start).toContain(` ${status} `);
    expect(got.body.toString()).toBe("");
    // The connection is whole: the next call gets its own answer.
    answer = answerText([], "next");
    expect((await call()).body.toString()).toBe("next");
  });
});
