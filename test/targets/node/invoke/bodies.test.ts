import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type InvokeWays, invokeWays, wayNames } from "#test/support/invoke-ways.ts";
import { nodeRuntime } from "#test/support/node-runtime.ts";
import {
  answerText,
  type RawApp,
  rawApp,
  rawCall,
  rawClient,
  type RawMessage,
  valuesOf,
} from "#test/support/raw-http.ts";

let app: RawApp;
let ways: InvokeWays;
/** The connections that an answer was begun on, by what begins it. */
let begun: Socket[] = [];
/** Said as soon as a request's head is there. */
let early: string | undefined;
let begin: ((socket: Socket) => void) | undefined;
beforeAll(async () => {
  app = await rawApp(
    (request, socket) => {
      if (!begin || request.start.includes(" /dapr/")) return answerText([]);
      begun.push(socket);
      begin(socket);
      return undefined;
    },
    () => early,
  );
  ways = await invokeWays(app);
});
afterAll(async () => {
  await ways?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
});
afterEach(() => {
  begin = undefined;
  for (const socket of begun) socket.destroy();
  begun = [];
});
const last = (): RawMessage => app.seen.at(-1) as RawMessage;

describe.each(wayNames)("a request's body, to %s", (name) => {
  it.each(["POST", "PUT", "PATCH", "DELETE", "GET"])("of %s keeps its length", async (method) => {
    for (const size of [5, 70_000, 300_000]) {
      const { port, path } = ways.to(name);
      const got = await rawCall(port, path, { method, body: "b".repeat(size) });
      expect(got.start).toContain("200");
      expect(valuesOf(last(), "content-length")).toEqual([String(size)]);
      expect(last().isChunked).toBe(false);
      expect(last().body.length).toBe(size);
    }
  });
  it("that is empty says so", async () => {
    const { port, path } = ways.to(name);
    await rawCall(port, path, { method: "POST", body: "" });
    expect(valuesOf(last(), "content-length")).toEqual(["0"]);
    await rawCall(port, path);
    expect(valuesOf(last(), "content-length")).toEqual([]);
    expect(last().isChunked).toBe(false);
  });
  it("of unknown length stays so", async () => {
    const { port, path } = ways.to(name);
    using client = await rawClient(port);
    client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    client.send("5\r\nhello\r\n0\r\n\r\n");
    expect((await client.answer()).start).toContain("200");
    expect(last()).toMatchObject({ isChunked: true, body: Buffer.from("hello") });
    expect(valuesOf(last(), "content-length")).toEqual([]);
  });
  it("need not be read before the answer comes", async () => {
    early = "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno";
    const { port, path } = ways.to(name);
    for (const framing of ["Content-Length: 3000000", "Transfer-Encoding: chunked"]) {
      using client = await rawClient(port);
      client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
      client.send(framing.startsWith("C") ? "x".repeat(100_000) : `5\r\nhello\r\n`);
      const got = await client.answer();
      expect(got.start).toContain("413");
      expect(got.body.toString()).toBe("no");
    }
    early = undefined;
    expect((await rawCall(port, path, { method: "POST", body: "next" })).start).toContain("200");
  });
  it.each([
    ["100 bytes", "Content-Length: 100", "x".repeat(99)],
    ["200,000 bytes", "Content-Length: 200000", "x".repeat(199_999)],
    ["a chunk", "Transfer-Encoding: chunked", "5\r\nhello\r\n"],
    ["many chunks", "Transfer-Encoding: chunked", `10000\r\n${"x".repeat(65_536)}\r\n`.repeat(8)],
  ])("of %s that breaks off is never whole for the app", async (_, framing, part) => {
    const { port, path } = ways.to(name);
    const before = app.seen.length;
    using client = await rawClient(port);
    client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    await new Promise((done) => client.socket.write(part, done));
    client.socket.destroy();
    // The next one comes through, and nothing of that one is in it.
    await eventually(async () => {
      const got = await rawCall(port, path, { method: "POST", body: "next" });
      return got.start.includes("200");
    });
    expect(app.seen.slice(before).map(({ body }) => body.toString())).toEqual(["next"]);
  });
});

const slow: Readonly<Record<string, readonly [head: string, first: string, rest: string]>> = {
  "server-sent events": [
    "Transfer-Encoding: chunked\r\nContent-Type: text/event-stream; charset=utf-8",
    "6\r\nfirst \r\n",
    "4\r\nlast\r\n0\r\n\r\n",
  ],
  NDJSON: [
    "Transfer-Encoding: chunked\r\nContent-Type: application/x-ndjson",
    "6\r\nfirst \r\n",
    "4\r\nlast\r\n0\r\n\r\n",
  ],
  "chunks of no type": ["Transfer-Encoding: chunked", "6\r\nfirst \r\n", "4\r\nlast\r\n0\r\n\r\n"],
  "what has a length": ["Content-Length: 10", "first ", "last"],
  "a large body": ["Content-Length: 100000", "first ", `${"x".repeat(99_990)}last`],
};
describe.each(wayNames)("an answer's body, of %s", (name) => {
  it.each(Object.entries(slow))(
    "goes on from its first byte: %s",
    async (_, [head, first, rest]) => {
      begin = (socket) => socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${first}`);
      const { port, path } = ways.to(name);
      using client = await rawClient(port);
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await eventually(() => client.text().includes("first "), { what: "the first bytes" });
      expect(client.text()).not.toContain("last");
      begun[0]?.write(rest);
      const got = await client.answer();
      expect(got.body.toString()).toMatch(/^first x*last$/);
    },
  );
  it.each(["Transfer-Encoding: chunked", "Content-Length: 2"])(
    "may come long after its head: %s",
    async (framing) => {
      begin = (socket) => socket.write(`HTTP/1.1 202 OK\r\n${framing}\r\nX-Early: 1\r\n\r\n`);
      const { port, path } = ways.to(name);
      using client = await rawClient(port);
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await eventually(() => client.text().toLowerCase().includes("x-early"), { what: "the head" });
      begun[0]?.write(framing.startsWith("C") ? "ok" : "2\r\nok\r\n0\r\n\r\n");
      const got = await client.answer();
      expect(got.start).toContain("202");
      expect(got.body.toString()).toBe("ok");
    },
  );
  it("ends at the app when the client leaves, first byte or not", async () => {
    for (const text of ["", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"]) {
      begun = [];
      begin = (socket) => void (text === "" || socket.write(text));
      const { port, path } = ways.to(name);
      const client = await rawClient(port);
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await eventually(() => begun.length > 0 && (text === "" || client.text().includes("ok")));
      client.socket.destroy();
      await eventually(() => begun[0]?.destroyed, { what: "the end of the app's connection" });
    }
  });
  it("that breaks off breaks off for the client", async () => {
    begin = (socket) =>
      socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
    const { port, path } = ways.to(name);
    using client = await rawClient(port);
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await expect(client.answer()).rejects.toThrow("The connection ended");
    expect(client.text()).toContain("first ");
  });
});

describe("an app that speaks h2c", () => {
  it("is told the body's length, and answers from the first byte on", async () => {
    const lengths: unknown[] = [];
    let finish = (): void => {};
    const server = createHttp2();
    server.on("stream", (stream, headers) => {
      lengths.push(headers["content-length"]);
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      stream.write("first ");
      finish = () => void stream.end("last");
      stream.resume();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const runtime = await nodeRuntime({
      appPort: (server.address() as AddressInfo).port,
      appProtocol: "h2c",
      disableInitEndpoints: ["config", "subscribe"],
    });
    try {
      for (const size of [5, 100_000]) {
        const path = "/v1.0/invoke/orders/method/m";
        using client = await rawClient(runtime.httpPort);
        client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
        client.send("x".repeat(size));
        await eventually(() => client.text().includes("first "), { what: "the first bytes" });
        finish();
        expect((await client.answer()).body.toString()).toBe("first last");
      }
      expect(lengths).toEqual(["5", "100000"]);
    } finally {
      await runtime.stop();
      server.close();
    }
  });
});

describe.each(wayNames)("a client that speaks h2c, to %s", (name) => {
  it("sends a length, and is answered from the first byte on", async () => {
    begin = (socket) =>
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
    const { port, path } = ways.to(name);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":method": "POST", ":path": path, "content-length": "5" });
    let text = "";
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    stream.end("hello");
    await eventually(() => text === "first ", { what: "the first bytes" });
    expect(valuesOf(last(), "content-length")).toEqual(["5"]);
    begun[0]?.write("4\r\nlast\r\n0\r\n\r\n");
    await eventually(() => text === "first last");
    session.close();
  });
  it.each([undefined, 6, 100_000])("may break off a body of length %j", async (length) => {
    const { port, path } = ways.to(name);
    const before = app.seen.length;
    const session = connectHttp2(`http://127.0.0.1:${port}`).on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      ...(length === undefined ? {} : { "content-length": String(length) }),
    });
    stream.on("error", () => {});
    await new Promise((done) => stream.write("hello", done));
    // A reset alone; `close` would end the request before it.
    stream.destroy(new Error("gone"));
    await eventually(async () => {
      const got = await rawCall(port, path, { method: "POST", body: "next" });
      return got.start.includes("200");
    });
    session.destroy();
    expect(app.seen.slice(before).map(({ body }) => body.toString())).toEqual(["next"]);
  });
});
