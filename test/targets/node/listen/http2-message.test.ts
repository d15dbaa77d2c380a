import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { converse, readAnswer, RefusedStreamError } from "#targets/node/listen/http2-message.ts";
import { eventually } from "#test/support/eventually.ts";

let server: Http2Server;
let session: ClientHttp2Session;
let port: number;
const large = "x".repeat(200_000);
const answers: Record<string, (stream: ServerHttp2Stream) => void> = {
  "/small": (stream) => stream.end("small"),
  "/empty": (stream) => stream.end(),
  "/large": (stream) => stream.end(large),
  "/reset": (stream) => {
    stream.write("the first half");
    setTimeout(() => stream.destroy(new Error("the app is gone")), 20);
  },
  "/cut": (stream) => {
    stream.write("the first half");
    setTimeout(() => stream.session?.destroy(), 20);
  },
  "/endless": (stream) => void stream.write(large),
};
beforeAll(async () => {
  server = createServer();
  server.on("session", (each) => each.on("error", () => {}));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    const path = String(headers[":path"]);
    if (path === "/refused") return stream.close(7);
    stream.respond({ ":status": 200 });
    answers[path]?.(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
  session = open();
});
function open(): ClientHttp2Session {
  const settings = { initialWindowSize: 1 << 20 };
  return connect(`http://127.0.0.1:${port}`, { settings }).on("error", () => {});
}
afterAll(() => {
  session.destroy();
  server.close();
});

const { signal } = new AbortController();
async function begin(path: string, over: ClientHttp2Session = session) {
  const stream: ClientHttp2Stream = over.request({ ":path": path }, { endStream: true });
  return { stream, opening: await converse(stream, undefined, { signal }, "lost") };
}
const textOf = async (body: unknown): Promise<string> =>
  body === undefined ? "" : new Response(body as ReadableStream).text();

describe("an answer over HTTP/2", () => {
  it.each([
    ["/small", "small"],
    ["/empty", ""],
    ["/large", large],
  ])("is whole, though it was there before anybody read it: %s", async (path, text) => {
    const { stream, opening } = await begin(path);
    if (path !== "/large") await eventually(() => stream.closed);
    const { status, body } = await readAnswer(stream, opening);
    expect([status, await textOf(body)]).toEqual([200, text]);
    await eventually(() => stream.destroyed);
  });
  it.each(["/reset", "/cut"])("that breaks off is told from one that ends: %s", async (path) => {
    const { stream, opening } = await begin(path, open());
    const { body } = await readAnswer(stream, opening);
    await expect(textOf(body)).rejects.toThrow("lost during the message");
  });
  it("that nobody wants to read on is ended", async () => {
    const { stream, opening } = await begin("/endless");
    const { body } = await readAnswer(stream, opening);
    await (body as ReadableStream).cancel();
    await eventually(() => stream.destroyed);
    expect(stream.rstCode).toBe(8);
  });
  it("that was refused before it began says so", async () => {
    await expect(begin("/refused")).rejects.toThrow(RefusedStreamError);
  });
});
