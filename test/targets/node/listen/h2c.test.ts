import { once } from "node:events";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appServer, type AppServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { nodeRuntime, type InProcess } from "#test/support/node-runtime.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe("HTTP/2 without TLS on the HTTP port", () => {
  let app: AppServer;
  let runtime: InProcess;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    app = await appServer();
    runtime = await nodeRuntime({ appId: "h2c", appPort: app.port, maxBodyBytes: 300_000 });
    session = connectHttp2(`http://127.0.0.1:${runtime.httpPort}`);
  });
  afterAll(async () => {
    session?.destroy();
    await runtime?.stop();
    await app?.[Symbol.asyncDispose]();
  });

  async function send(
    headers: Record<string, string>,
    body?: string | readonly string[],
  ): Promise<Answer> {
    const stream = session.request(
      { ":method": "GET", ...headers },
      { endStream: body === undefined },
    );
    const parts = typeof body === "string" ? [body] : (body ?? []);
    for (const part of parts) stream.write(part);
    if (body !== undefined) stream.end();
    const [head] = (await once(stream, "response")) as [Record<string, string | number>];
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
    return {
      status: Number(head[":status"]),
      headers: head as Record<string, string>,
      body: text,
    };
  }

  it("serves the API, many requests on one connection", async () => {
    const path = "/v1.0/state/statestore";
    const saved = await send({ ":method": "POST", ":path": path }, '[{"key":"a","value":1}]');
    expect(saved.status).toBe(204);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send({ ":path": `${path}/a` })),
    );
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: "1" });
    expect(answers[0]?.headers["etag"]).toBeTypeOf("string");
  });
  it("passes an invocation's body on, with its length and without", async () => {
    const echo = { ":method": "POST", ":path": "/v1.0/invoke/h2c/method/echo" };
    expect(await send({ ...echo, "content-length": "5" }, "hello")).toMatchObject({
      status: 201,
      body: "hello",
    });
    expect(await send(echo, ["hel", "lo"])).toMatchObject({ status: 201, body: "hello" });
    expect(await send(echo)).toMatchObject({ status: 201, body: "" });
    const [seen] = await app.saw("/echo");
    expect(seen?.headers["host"]).toBe(`127.0.0.1:${app.port}`);
  });
  it("refuses a body past the limit, and the connection goes on", async () => {
    const echo = { ":method": "POST", ":path": "/v1.0/invoke/h2c/method/echo" };
    const large = Array.from({ length: 40 }, () => "x".repeat(10_000));
    expect((await send({ ...echo, "content-length": "400000" }, large)).status).toBe(500);
    expect((await send(echo, "ok")).status).toBe(201);
  });
  it("answers 431 for headers past read-buffer-size, on both protocols", async () => {
    const long = "x".repeat(9000);
    expect((await send({ ":path": "/v1.0/healthz", "x-long": long })).status).toBe(431);
    const url = `http://127.0.0.1:${runtime.httpPort}/v1.0/healthz`;
    expect((await fetch(url, { headers: { "x-long": long } })).status).toBe(431);
    expect((await send({ ":path": "/v1.0/healthz" })).status).toBe(204);
  });
  it("speaks HTTP/1 to who begins slowly, byte by byte", async () => {
    const socket = connect(runtime.httpPort, "127.0.0.1");
    socket.setNoDelay(true);
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(socket, "connect");
    for (const char of "PUT") {
      socket.write(char);
      // A turn of the runtime's own loop: it has read the byte before the next one comes.
      expect((await send({ ":path": "/v1.0/healthz" })).status).toBe(204);
    }
    socket.write(" /v1.0/metadata/slow HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n1");
    await eventually(() => text.startsWith("HTTP/1.1 204"));
    socket.destroy();
  });
  it("takes nonsense after the preface, and clients that vanish, without harm", async () => {
    const open = async (bytes: string): Promise<Socket> => {
      const socket = connect(runtime.httpPort, "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, "connect");
      socket.write(bytes);
      return socket;
    };
    (await open("P")).destroy();
    (await open("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).destroy();
    const bad = await open(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\u0001".repeat(500)}`);
    bad.resume();
    await once(bad, "close");
    expect((await send({ ":path": "/v1.0/healthz" })).status).toBe(204);
  });
});

describe("ending with connections open", () => {
  it("closes idle ones of both protocols, and those that never said a word", async () => {
    const runtime = await nodeRuntime({ appId: "h2c-end" });
    const session = connectHttp2(`http://127.0.0.1:${runtime.httpPort}`);
    const silent = connect(runtime.httpPort, "127.0.0.1");
    await Promise.all([once(session, "connect"), once(silent, "connect")]);
    await fetch(`http://127.0.0.1:${runtime.httpPort}/v1.0/healthz`);
    const closed = Promise.all([once(session, "close"), once(silent, "close")]);
    silent.resume();
    await runtime.stop();
    await closed;
  });
});
