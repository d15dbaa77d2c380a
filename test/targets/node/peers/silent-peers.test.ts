import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AppChannel, PlainResponse } from "#core/ports/platform.ts";
import { h2cChannel } from "#targets/node/channel/h2c-channel.ts";
import { createHttp2Pool } from "#targets/node/channel/http2-pool.ts";
import { type InternalServer, serveInternal } from "#targets/node/peers/internal-server.ts";
import { createPeers, type Peers } from "#targets/node/peers/peers.ts";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import { cable } from "#test/support/cable.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { testIdentities } from "#test/support/workload-identities.ts";

const from = { appId: "web", namespace: "shop" };
const to = { appId: "cart", namespace: "shop" };
const signal = new AbortController().signal;
const fields = { ":path": "/m", "outrigger-callee-app-id": "cart" };

let waiting: Array<(response: PlainResponse) => void>;
const channel: AppChannel = {
  send: async ({ path, body }) => {
    if (path === "/m") return { status: 200, headers: [], body: Buffer.from("done") };
    if (body instanceof ReadableStream) body.cancel().catch(() => {});
    return new Promise((resolve) => waiting.push(resolve));
  },
};
const app = fakeApp({ ...to, channel });
const served = { port: 0, address: "127.0.0.1", find: () => app, onGrpc: () => {} };

let open: AsyncDisposableStack;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  open = new AsyncDisposableStack();
  waiting = [];
});
afterEach(async () => {
  await open.disposeAsync();
  vi.useRealTimers();
});

/** Time passes, and what is sent meanwhile arrives. */
async function pass(seconds: number): Promise<void> {
  for (let past = 0; past < seconds; past += 5) {
    vi.advanceTimersByTime(5000);
    await arrival();
  }
}
/** All is in one process: a turn of its loop takes everything one step on. */
async function arrival(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
async function server(options: object = {}): Promise<InternalServer> {
  return open.use(await serveInternal({ ...served, ...options } as never));
}
function peersAt(
  at: (appId: string) => string,
  clock: FakeClock = fakeClock(),
  ...identityOf: readonly [] | [NonNullable<Parameters<typeof createPeers>[3]>]
): Peers {
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const resolver = {
    announce: async () => {},
    resolve: async ({ appId }: { appId: string }) => at(appId),
    [Symbol.asyncDispose]: async () => {},
  };
  const registry = { find: () => [{ open: async () => resolver }] } as never;
  const host = { log, clock } as never;
  return open.use(createPeers(registry, host, "127.0.0.1", ...identityOf));
}
function get(peers: Peers, path: string, body?: ReadableStream): Promise<PlainResponse> {
  const request = { method: "POST", path, headers: [], ...(body ? { body } : {}) };
  const answer = peers
    .find(to, { signal }, from)
    .then((peer) => (peer as AppChannel).send(request, { signal }));
  // It may fail before the test looks.
  answer.catch(() => {});
  return answer;
}
const settled = async (call: Promise<unknown>): Promise<string> =>
  Promise.race([
    call.then(
      () => "answered",
      (reason: Error) => reason.message,
    ),
    arrival().then(() => "waits"),
  ]);
const lost = "the connection to the runtime of the app was lost";

describe.each(["plain", "TLS"])("a callee's machine that dies without a word, %s", (how) => {
  async function pair() {
    const ca = how === "TLS" ? await testIdentities() : undefined;
    const [own, caller] = [await ca?.of("cart", "shop"), await ca?.of("web", "shop")];
    const { port } = await server({ identity: own });
    const line = open.use(await cable(port));
    const peers = peersAt(
      () => `127.0.0.1:${line.port}`,
      fakeClock(),
      () => caller,
    );
    return { line, peers };
  }
  it("fails the calls that wait for it, and the next one goes over a new connection", async () => {
    const { line, peers } = await pair();
    const call = get(peers, "/wait");
    await eventually(() => waiting.length === 1);
    line.cut();
    await pass(20);
    expect(await settled(call)).toBe("waits");
    await pass(15);
    expect(await settled(call)).toBe(lost);
    expect((await get(peers, "/m")).status).toBe(200);
    expect(line.made).toBe(2);
  });
  it("is noticed by the first call after a rest", async () => {
    const { line, peers } = await pair();
    await get(peers, "/m");
    line.cut();
    await pass(60);
    const call = get(peers, "/m");
    await arrival();
    await pass(10);
    expect(await settled(call)).toBe("waits");
    await pass(5);
    expect(await settled(call)).toBe(lost);
    expect((await get(peers, "/m")).status).toBe(200);
  });
  it("ends the connection also where much is still to be sent", async () => {
    const { line, peers } = await pair();
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(1 << 20)),
    });
    const first = get(peers, "/wait");
    await eventually(() => waiting.length === 1);
    line.cut();
    const call = get(peers, "/wait", body);
    await pass(35);
    expect(await settled(call)).toBe(lost);
    expect(await settled(first)).toBe(lost);
    await peers[Symbol.asyncDispose]();
  });
  it("is none whose call takes long", async () => {
    const { line, peers } = await pair();
    const call = get(peers, "/wait");
    await eventually(() => waiting.length === 1);
    await pass(300);
    expect(await settled(call)).toBe("waits");
    waiting[0]?.({ status: 201, headers: [] });
    expect((await call).status).toBe(201);
    expect(line.made).toBe(1);
  });
});

it("an app that stands still keeps its calls", async () => {
  const { port } = await server();
  const line = open.use(await cable(port));
  const h2c = open.use(
    h2cChannel({ host: "127.0.0.1", port: line.port, maxConcurrency: 0, maxHeaderBytes: 0 }),
  );
  const headers = ["outrigger-callee-app-id", "cart"];
  const call = h2c.send({ method: "GET", path: "/wait", headers }, { signal });
  await eventually(() => waiting.length === 1);
  line.cut();
  await pass(120);
  expect(await settled(call)).toBe("waits");
  await h2c[Symbol.asyncDispose]();
  await expect(call).rejects.toThrow("the app ended the connection");
});

describe("a caller's machine that dies without a word", () => {
  async function caller(port: number, tls: object = {}): Promise<ClientHttp2Session> {
    const scheme = "ca" in tls ? "https" : "http";
    const session = connect(`${scheme}://127.0.0.1:${port}`, {
      ...tls,
      checkServerIdentity: () => undefined,
    });
    session.on("error", () => {});
    open.defer(() => session.destroy());
    await once(session, "remoteSettings");
    return session;
  }
  const call = (session: ClientHttp2Session, path: string): Promise<unknown> => {
    const stream = session.request({ ...fields, ":path": path });
    stream.on("error", () => {});
    return once(stream.resume(), "response");
  };

  it.each(["plain", "TLS"])("keeps no connection that was accepted elsewhere, %s", async (how) => {
    const authority = await testIdentities();
    const [own, web] = [await authority.of("cart", "shop"), await authority.of("web", "shop")];
    const tls =
      how === "TLS" ? { ...web.context, ca: authority.root, servername: serverNameOf(to) } : {};
    const internal = open.use(
      await serveInternal({
        ...served,
        port: undefined,
        ...(how === "TLS" ? { identityFor: () => own } : {}),
      } as never),
    );
    const sockets = new Set<Socket>();
    const front = createServer({ pauseOnConnect: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      internal.accept(socket);
    });
    open.defer(() => void front.close());
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const { port } = front.address() as AddressInfo;
    const line = open.use(await cable(port));
    await call(await caller(port, tls), "/m");
    await call(await caller(line.port, tls), "/m");
    line.cut();
    await pass(30);
    expect(sockets.size).toBe(2);
    await pass(15);
    expect(sockets.size).toBe(1);
    // The other one answers.
    await pass(300);
    expect(sockets.size).toBe(1);
  });
  it.each(["plain", "TLS"])(
    "keeps no drain from its end at all without a call in flight, %s",
    async (how) => {
      const authority = await testIdentities();
      const [own, web] = [await authority.of("cart", "shop"), await authority.of("web", "shop")];
      const isTls = how === "TLS";
      const tls = { ...web.context, ca: authority.root, servername: serverNameOf(to) };
      const internal = open.use(
        await serveInternal({ ...served, ...(isTls ? { identity: own } : {}) } as never),
      );
      const line = open.use(await cable(internal.port));
      await call(await caller(line.port, isTls ? tls : {}), "/m");
      line.cut();
      await internal.drain();
    },
  );
  it("keeps no drain from its end for long, with a call in flight and without", async () => {
    const internal = await server();
    const line = open.use(await cable(internal.port));
    await call(await caller(line.port), "/m");
    void call(await caller(line.port), "/wait").catch(() => {});
    await eventually(() => waiting.length === 1);
    line.cut();
    const drained = internal.drain();
    expect(await settled(drained)).toBe("waits");
    await pass(45);
    expect(await settled(drained)).toBe("answered");
  });
  it("is none that waits for a long call while the server drains", async () => {
    const internal = await server();
    const answer = call(await caller(internal.port), "/wait");
    await eventually(() => waiting.length === 1);
    const drained = internal.drain();
    await pass(300);
    expect(await settled(drained)).toBe("waits");
    waiting[0]?.({ status: 204, headers: [] });
    await answer;
    await drained;
  });
});

describe("sessions without a call", () => {
  it("close when they are idle, also after a quiet call", async () => {
    const { port } = await server();
    const line = open.use(await cable(port));
    const pool = open.use(
      createHttp2Pool({ authority: `http://127.0.0.1:${line.port}`, idleMs: 60 }),
    );
    const stream = await pool.request({ ...fields, ":path": "/wait" }, { endStream: true });
    stream.on("error", () => {});
    await eventually(() => waiting.length === 1);
    // Longer than an idle session may last.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(pool.isEmpty).toBe(false);
    waiting[0]?.({ status: 204, headers: [] });
    await once(stream.resume(), "close");
    expect(pool.isEmpty).toBe(false);
    await eventually(() => pool.isEmpty);
  });
  it("are used no more once they close, though the other side never does", async () => {
    const { port } = await server();
    const line = open.use(await cable(port));
    const pool = open.use(
      createHttp2Pool({ authority: `http://127.0.0.1:${line.port}`, idleMs: 60 }),
    );
    const status = async (): Promise<unknown> => {
      const stream = await pool.request(fields, { endStream: true });
      const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
      stream.resume();
      return headers[":status"];
    };
    expect(await status()).toBe(200);
    line.cut();
    await eventually(() => pool.isEmpty);
    expect(await status()).toBe(200);
    expect(line.made).toBe(2);
  });
});

it("pools to addresses that nobody calls any more are dropped", async () => {
  const { port } = await server();
  const clock = fakeClock();
  const peers = peersAt((appId) => (appId === "cart" ? `127.0.0.1:${port}` : `${appId}:1`), clock);
  const poolTo = async (appId: string): Promise<unknown> =>
    (await peers.connect({ appId, namespace: "" }, { signal }, from)).pool;
  const call = get(peers, "/wait");
  await eventually(() => waiting.length === 1);
  const [used, gone] = [await poolTo("cart"), await poolTo("gone")];
  await clock.advance(10 * 60_000);
  await poolTo("b");
  expect(await poolTo("gone")).toBe(gone);
  await clock.advance(10 * 60_000);
  await poolTo("c");
  expect(await poolTo("gone")).not.toBe(gone);
  expect(await poolTo("cart")).toBe(used);
  waiting[0]?.({ status: 204, headers: [] });
  await call;
});
