import { connect } from "node:http2";
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkloadContext } from "#targets/node/mtls/workload-identity.ts";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import { clientHello, firstBytes } from "#test/support/client-hello.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  callFrom,
  hostIp,
  podApp,
  putPod,
  type TestNode,
  testNode,
  type TestPod,
} from "#test/support/node-cluster.ts";
import { type TestCa, testCa } from "#test/support/test-ca.ts";

const cart = serverNameOf({ appId: "cart", namespace: "shop" });
const open: AsyncDisposable[] = [];
let ca: TestCa;
let node: TestNode;
let pod: TestPod;
let calls: readonly string[];
let own: WorkloadContext;

beforeAll(async () => {
  ca = await testCa({ validator: async (asked) => ({ proven: asked }) });
  node = await testNode({ ports: { internal: 0 }, more: ca.forNodes });
  const app = await podApp("127.0.0.11", 0, (path) => path);
  open.push(ca, node, app);
  ({ calls } = app);
  const annotations = { "dapr.io/app-port": String(app.port) };
  pod = putPod(node.api, { name: "cart", ip: "127.0.0.11", annotations });
  putPod(node.api, { name: "vault", ip: "127.0.0.12", annotations });
  await node.ready;
  own = await ca.certificate("web", "shop");
  await eventually(async () => (await call({ ...own })) === 200, { withinMs: 10_000 });
}, 30_000);
afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]();
});

/** A call by HTTP/2 to an app under a server name: its status, or how the connection ended. */
function call(
  context: Partial<WorkloadContext>,
  {
    servername = cart,
    appId = "cart",
    port = node.port("internal"),
  }: { readonly servername?: string; readonly appId?: string; readonly port?: number } = {},
): Promise<number | string> {
  return new Promise((resolve) => {
    const session = connect(`https://${hostIp}:${port}`, {
      ...context,
      ca: ca.anchors,
      servername,
      checkServerIdentity: () => undefined,
    });
    const end = (how: number | string): void => {
      session.destroy();
      resolve(how);
    };
    session.on("error", (reason) => end(reason.message));
    session.once("close", () => end("closed"));
    const stream = session.request({
      ":path": "/hello",
      "outrigger-callee-app-id": appId,
      "outrigger-callee-namespace": "shop",
    });
    stream.on("error", (reason) => end(reason.message));
    stream.on("response", (headers) => end(Number(headers[":status"])));
  });
}
/** What becomes of a connection on which that is sent: what came back until it ended. */
function send(bytes: Uint8Array, withinMs = 10_000): Promise<{ got: string; ms: number }> {
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const socket = connectPlain(node.port("internal"), hostIp, () => socket.write(bytes));
    let got = "";
    socket.setTimeout(withinMs, () => reject(new Error("it stays open")));
    socket.on("data", (data: Buffer) => (got += data.toString("latin1")));
    socket.on("error", () => {});
    socket.once("close", () => resolve({ got, ms: performance.now() - since }));
  });
}

describe("the port between nodes refuses", () => {
  const refused = /alert|closed|ECONNRESET|disconnected|hang up|SSL/i;
  it.each([
    ["HTTP/1", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["nonsense", "\0\0\0\0"],
  ])("%s, at once and without a word", async (_what, text) => {
    const { got, ms } = await send(Buffer.from(text, "latin1"));
    expect(got).toBe("");
    expect(ms).toBeLessThan(2000);
  });
  it("TLS that asks for nobody", async () => {
    const { got, ms } = await send(clientHello({}));
    expect(got).toBe("");
    expect(ms).toBeLessThan(2000);
  });
  it("a name that no app here has", async () => {
    for (const servername of ["other.shop.outrigger", "cart.bank.outrigger", "localhost"])
      expect(await call(own, { servername })).toMatch(refused);
  });
  it("a client without a certificate", async () => {
    expect(await call({})).toMatch(refused);
  });
  it("a certificate of another authority", async () => {
    await using other = await testCa({ validator: async (asked) => ({ proven: asked }) });
    const { cert, key } = await other.certificate("web", "shop");
    expect(await call({ cert, key })).toMatch(refused);
  });
  it("a call to another app than the one that the connection is to", async () => {
    expect(await call(own)).toBe(200);
    const before = calls.length;
    expect(await call(own, { appId: "vault" })).toBe(403);
    expect(calls).toHaveLength(before);
  });
  it("who begins a handshake and does not go on", async () => {
    const hello = await firstBytes((port) => {
      connectTls({ host: hostIp, port, servername: cart }).on("error", () => {});
    });
    const stalled = send(hello.subarray(0, 40));
    expect(await call(own)).toBe(200);
    const { got, ms } = await stalled;
    expect(got).toBe("");
    expect(ms).toBeLessThan(7000);
  });
});

describe("the port between nodes takes", () => {
  const proxies: Server[] = [];
  afterAll(() => {
    for (const each of proxies) each.close();
  });
  /** A way to the port on which the client's first bytes come in such pieces, so far apart. */
  async function slowly(size: number, ms: number): Promise<number> {
    const server = createServer((client) => {
      const upstream = connectPlain(node.port("internal"), hostIp);
      upstream.setNoDelay(true);
      upstream.pipe(client);
      for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
      client.once("close", () => upstream.destroy());
      void pass(client, upstream, size, ms);
    });
    await new Promise<void>((resolve) => server.listen(0, hostIp, resolve));
    proxies.push(server);
    return (server.address() as { port: number }).port;
  }
  async function pass(client: Socket, upstream: Socket, size: number, ms: number): Promise<void> {
    let split = 400;
    try {
      for await (const data of client as AsyncIterable<Buffer>)
        for (let at = 0; at < data.length;) {
          const part = data.subarray(at, split > 0 ? at + size : undefined);
          split -= part.length;
          at += part.length;
          upstream.write(part);
          if (split > 0) await delay(ms);
        }
    } catch {
      // The client went away.
    }
  }
  it.each([
    [1, 1],
    [5, 10],
    [100, 300],
  ])("a handshake that comes in pieces of %i bytes, %i ms apart", async (size, ms) => {
    expect(await call(own, { port: await slowly(size, ms) })).toBe(200);
  });
  it("many at once, some of them slow", async () => {
    const slow = await slowly(20, 20);
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, i) => call(own, i % 3 === 0 ? { port: slow } : {})),
    );
    expect(all).toEqual(all.map(() => 200));
  });
  it("no more than it can, and leaves the pods theirs", async () => {
    const sockets = Array.from({ length: 1200 }, () => {
      const socket = connectPlain(node.port("internal"), hostIp);
      socket.on("error", () => {});
      return socket;
    });
    await eventually(() => sockets.some(({ closed }) => closed));
    const { status } = await callFrom(pod.ip, node.port("http"), "/v1.0/metadata", {
      token: pod.token,
    });
    expect(status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await call(own)) === 200);
  });
});
