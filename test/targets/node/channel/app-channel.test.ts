import { createServer as createTcp, type AddressInfo, type Socket } from "node:net";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { httpChannel } from "#targets/node/channel/app-channel.ts";
import { eventually } from "#test/support/eventually.ts";

const never = (): AbortSignal => new AbortController().signal;
const textOf = async (body: unknown): Promise<string> =>
  body === undefined ? "" : new Response(body as ReadableStream).text();
const get = (path = "/"): { method: string; path: string; headers: string[] } => ({
  method: "GET",
  path,
  headers: [],
});

async function listening(
  server: ReturnType<typeof createTcp>,
): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
/** An app that says exactly these bytes to whoever connects. */
const raw = (text: string): Promise<{ port: number } & AsyncDisposable> =>
  listening(createTcp((socket) => socket.once("data", () => socket.end(text))));
const app = (
  handle: (q: IncomingMessage, r: ServerResponse) => void,
): Promise<{ port: number } & AsyncDisposable> => listening(createServer(handle));
const to = (port: number, maxConcurrency = -1): ReturnType<typeof httpChannel> =>
  httpChannel({ host: "127.0.0.1", port, tls: false, maxConcurrency, maxHeaderBytes: 4096 });

describe("the channel to an app", () => {
  it.each([
    ["no HTTP at all", "garbage\r\n\r\n"],
    ["nothing", ""],
    ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf"],
    ["a header that never ends", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(200_000)}`],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  ])("rejects when the app answers with %s", async (_, text) => {
    await using server = await raw(text);
    await using channel = to(server.port);
    const answered = channel.send(get(), { signal: never() }).then(({ body }) => textOf(body));
    await expect(answered).rejects.toThrow();
  });
  // Dapr: what has come counts, since apps are wrong about the length more often than they break off.
  it.each([
    ["some", "half"],
    ["nothing", ""],
  ])("takes an answer for whole of whose length %s has come at its end", async (_, half) => {
    await using server = await raw(`HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n${half}`);
    await using channel = to(server.port);
    const { status, body } = await channel.send(get(), { signal: never() });
    expect([status, await textOf(body)]).toEqual([200, half]);
  });
  it("rejects when nobody listens", async () => {
    const server = await raw("");
    await server[Symbol.asyncDispose]();
    await using channel = to(server.port);
    await expect(channel.send(get(), { signal: never() })).rejects.toThrow(/ECONNREFUSED/);
  });
  it("gives back a large answer as a stream that waits for its reader", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    let sent = 0;
    await using server = await app((_, response) => {
      const write = (): void => {
        while (sent < 1024) {
          sent++;
          if (!response.write(chunk)) {
            response.once("drain", write);
            return;
          }
        }
        response.end();
      };
      write();
    });
    await using channel = to(server.port);
    const { body } = await channel.send(get(), { signal: never() });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    // 64 MiB are on offer; only what sockets and buffers hold may have left the app.
    await new Promise((done) => setTimeout(done, 200));
    expect(sent).toBeLessThan(512);
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
    }
    expect(size).toBeGreaterThan(63 * 1024 * 1024);
  });
  it("fails the stream when the app dies in the middle of it", async () => {
    await using server = await app((_, response) => {
      response.write("x".repeat(100_000));
      setTimeout(() => response.destroy(), 20);
    });
    await using channel = to(server.port);
    const { body } = await channel.send(get(), { signal: never() });
    await expect(new Response(body as ReadableStream<Uint8Array>).text()).rejects.toThrow();
  });
  it("ends the app's side when the reader goes away", async () => {
    let gone = false;
    await using server = await app((_, response) => {
      response.on("close", () => (gone = true));
      response.write("first");
    });
    await using channel = to(server.port);
    const { body } = await channel.send(get(), { signal: never() });
    await (body as ReadableStream<Uint8Array>).cancel();
    await eventually(() => gone);
  });
  it("stops waiting for a slow app when the caller gives up", async () => {
    let gone = false;
    await using server = await app((request) => request.on("close", () => (gone = true)));
    await using channel = to(server.port);
    const caller = new AbortController();
    const call = channel.send(get(), { signal: caller.signal });
    setTimeout(() => caller.abort(new Error("caller gone")), 50);
    await expect(call).rejects.toThrow("caller gone");
    await eventually(() => gone);
  });
  it("passes a redirect on, and keeps repeated headers apart", async () => {
    await using server = await app((_, response) => {
      response.writeHead(302, { location: "/elsewhere", "set-cookie": ["a=1", "b=2"] }).end();
    });
    await using channel = to(server.port);
    const { status, headers } = await channel.send(get(), { signal: never() });
    expect(status).toBe(302);
    expect(headers.filter((name) => name === "set-cookie")).toHaveLength(2);
  });
  it("keeps no more calls in flight than it may", async () => {
    let inFlight = 0;
    let most = 0;
    await using server = await app((_, response) => {
      most = Math.max(most, ++inFlight);
      setTimeout(() => {
        inFlight--;
        response.end("ok");
      }, 10);
    });
    await using channel = to(server.port, 2);
    await Promise.all(Array.from({ length: 12 }, () => channel.send(get(), { signal: never() })));
    expect(most).toBe(2);
  });
});
