import { X509Certificate } from "node:crypto";
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect as connectPlain, createServer, type Server } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverNameIn } from "#targets/kubernetes/client-hello.ts";
import { type InternalServer, serveInternal } from "#targets/node/peers/internal-server.ts";
import { createPeers } from "#targets/node/peers/peers.ts";
import { appOfServerName, serverNameOf } from "#targets/node/peers/server-name.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeApp, recordingChannel } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import {
  type TestIdentities,
  type TestIdentity,
  testIdentities,
} from "#test/support/workload-identities.ts";

let authority: TestIdentities;
let stranger: TestIdentities;
const identities = new Map<string, TestIdentity>();
const open: Array<() => void> = [];

const channel = recordingChannel(() => ({ status: 200, body: "from the app" }));
const apps = ["cart", "Orders.v2"].map((appId) => fakeApp({ appId, namespace: "shop", channel }));
const common = {
  find: ({ appId, namespace }: { appId: string; namespace: string }) =>
    apps.find((app) => app.appId === appId && app.namespace === namespace),
  onGrpc: (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200, "x-was": "grpc" }, { endStream: true });
    stream.resume();
  },
};
const identityFor = (name: string): TestIdentity | undefined => {
  const app = appOfServerName(name);
  return app && identities.get(app.appId);
};

beforeAll(async () => {
  authority = await testIdentities();
  stranger = await testIdentities();
  for (const appId of ["cart", "Orders.v2", "web"])
    identities.set(appId, await authority.of(appId, "shop"));
});
afterAll(() => {
  for (const close of open) close();
});

interface Caller {
  readonly session: ClientHttp2Session;
  readonly socket: TLSSocket;
  call(
    appId: string,
    headers?: IncomingHttpHeaders,
  ): Promise<{ status: number; headers: IncomingHttpHeaders }>;
}
/** A connection that asks for that name and shows that certificate; rejects where there is none. */
async function caller(
  port: number,
  servername: string,
  { context }: TestIdentity = identities.get("web") as TestIdentity,
): Promise<Caller> {
  const session = connect(`https://127.0.0.1:${port}`, {
    ...context,
    ca: authority.root,
    servername,
    checkServerIdentity: () => undefined,
  });
  open.push(() => session.destroy());
  await new Promise<void>((resolve, reject) => {
    // The server's settings: in TLS 1.3 a client that is refused believes for a moment that it is in.
    session.once("remoteSettings", () => resolve());
    session.once("error", reject);
    session.once("close", () => reject(new Error("closed")));
  });
  session.on("error", () => {});
  return {
    session,
    socket: session.socket as TLSSocket,
    call: (appId, headers = {}) =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ":method": "POST",
          ":path": "/echo",
          "outrigger-callee-app-id": appId,
          "outrigger-callee-namespace": "shop",
          ...headers,
        });
        stream.on("error", reject);
        stream.on("response", (answer) =>
          resolve({ status: Number(answer[":status"]), headers: answer }),
        );
        stream.resume().end("x");
      }),
  };
}
/** How the server ends a connection that it does not let in; rejects for one that it does. */
function refusal(port: number, servername: string, context: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      ...context,
      ca: authority.root,
      port,
      host: "127.0.0.1",
      servername,
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
    });
    // Its settings.
    socket.once("data", () => {
      socket.destroy();
      reject(new Error("it was let in"));
    });
    socket.once("error", (reason) => resolve(reason.message));
    socket.once("close", () => resolve("closed"));
  });
}
const ended = /alert|closed|ECONN|disconnected/;
const shownTo = ({ socket }: Caller): string => socket.getPeerCertificate().subjectaltname ?? "";
const cart = serverNameOf({ appId: "cart", namespace: "shop" });
const orders = serverNameOf({ appId: "Orders.v2", namespace: "shop" });

describe.each([
  { how: "listening", elsewhere: false },
  { how: "given connections that were accepted elsewhere, and begun to be read", elsewhere: true },
])("a port of several apps, $how", ({ elsewhere }) => {
  let server: InternalServer;
  let front: Server | undefined;
  let port: number;
  beforeAll(async () => {
    server = await serveInternal({
      ...(elsewhere ? {} : { port: 0, address: "127.0.0.1" }),
      identityFor,
      ...common,
    } as never);
    ({ port } = server);
    if (!elsewhere) return;
    // As the supervisor does: reads until the name is known, then hands over.
    front = createServer({ pauseOnConnect: true }, (socket) => {
      let bytes = Buffer.alloc(0);
      const look = (): void => {
        for (let part: Buffer | null; (part = socket.read() as Buffer | null) !== null;) {
          bytes = Buffer.concat([bytes, part]);
          if (serverNameIn(bytes) === "more") continue;
          socket.off("readable", look);
          return server.accept(socket, bytes);
        }
      };
      socket.on("error", () => {});
      socket.on("readable", look);
    });
    await new Promise<void>((resolve) => front?.listen(0, "127.0.0.1", resolve));
    port = (front.address() as AddressInfo).port;
  });
  afterAll(async () => {
    front?.close();
    await server[Symbol.asyncDispose]();
  });

  it("shows each caller the certificate of the app that it asks for", async () => {
    expect(server.port > 0).toBe(!elsewhere);
    expect(shownTo(await caller(port, cart))).toContain("spiffe://public/ns/shop/cart");
    expect(shownTo(await caller(port, orders))).toContain("spiffe://public/ns/shop/Orders.v2");
  });
  it("serves that app", async () => {
    const { call } = await caller(port, cart);
    expect((await call("cart")).status).toBe(200);
    const sent = channel.seen.at(-1);
    expect(sent?.path).toBe("/echo");
    expect(sent?.headers["dapr-caller-app-id"]).toBe("web");
    const second = await (await caller(port, orders)).call("Orders.v2");
    expect(second.status).toBe(200);
  });
  it("refuses a call to another app than the one whose certificate was shown, over HTTP and gRPC", async () => {
    const { call } = await caller(port, cart);
    const before = channel.seen.length;
    const http = await call("Orders.v2", { "content-type": "application/json" });
    expect(http.status).toBe(403);
    expect(http.headers["outrigger-refusal"]).toContain("not%20one%20to%20this%20app");
    const refused = await call("Orders.v2", { "content-type": "application/grpc" });
    expect(refused.headers["grpc-status"]).toBe("7");
    expect(refused.headers["grpc-message"]).toContain("not one to this app");
    expect(channel.seen.length).toBe(before);
    const grpc = await call("cart", { "content-type": "application/grpc" });
    expect(grpc.headers["x-was"]).toBe("grpc");
  });
  it("has no host for an app that is not here", async () => {
    const { call } = await caller(port, cart);
    expect((await call("web")).status).toBe(404);
  });
  it.each([
    ["no name", ""],
    ["a name of nobody", serverNameOf({ appId: "nobody", namespace: "shop" })],
    ["a name that is none of ours", "example.com"],
  ])("gives no connection to who asks for %s", async (_what, name) => {
    const { context } = identities.get("web") as TestIdentity;
    expect(await refusal(port, name, context)).toMatch(ended);
  });
  it("gives no connection to who shows no certificate, or one of another authority", async () => {
    expect(await refusal(port, cart, {})).toMatch(ended);
    const forged = await stranger.of("web", "shop");
    expect(await refusal(port, cart, forged.context)).toMatch(ended);
    const { context } = identities.get("web") as TestIdentity;
    await expect(refusal(port, cart, context)).rejects.toThrow("let in");
  });
  it("ends a connection that is not TLS", async () => {
    const socket = connectPlain(port, "127.0.0.1", () =>
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    );
    socket.on("error", () => {});
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
  });
  it("renews each certificate in place: old connections go on, new ones see it", async () => {
    const before = await caller(port, cart);
    const shown = (of: Caller): string =>
      new X509Certificate(of.socket.getPeerCertificate(true).raw).serialNumber;
    const first = shown(before);
    const other = shown(await caller(port, orders));
    await identities.get("cart")?.renew();
    expect((await before.call("cart")).status).toBe(200);
    expect(shown(await caller(port, cart))).not.toBe(first);
    expect(shown(await caller(port, orders))).toBe(other);
  });
  it("takes no connection up again: certificates are checked each time", async () => {
    const options = {
      ...(identities.get("web") as TestIdentity).context,
      port,
      host: "127.0.0.1",
      servername: cart,
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
    };
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      let session: Buffer | undefined;
      const first = connectTls({ ...options, maxVersion });
      first.on("session", (given: Buffer) => (session = given));
      first.on("error", () => {});
      await new Promise((resolve, reject) => {
        first.once("data", resolve);
        first.once("close", () => reject(new Error("closed")));
      });
      session ??= first.getSession();
      first.destroy();
      const second = connectTls({ ...options, maxVersion, ...(session ? { session } : {}) });
      await new Promise((resolve, reject) => {
        second.once("secureConnect", resolve);
        second.once("error", reject);
      });
      expect(second.isSessionReused()).toBe(false);
      second.destroy();
    }
  });
  it("is called by peers under the name of the app they want", async () => {
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const resolver = {
      announce: async () => {},
      resolve: async () => `127.0.0.1:${port}`,
      [Symbol.asyncDispose]: async () => {},
    };
    const registry = { find: () => [{ open: async () => resolver }] } as never;
    const host = { log, clock: fakeClock() } as never;
    await using peers = createPeers(registry, host, "127.0.0.1", ({ appId }) =>
      identities.get(appId),
    );
    const signal = new AbortController().signal;
    const from = { appId: "web", namespace: "shop" };
    for (const appId of ["cart", "Orders.v2"]) {
      const to = await peers.find({ appId, namespace: "shop" }, { signal }, from);
      const answer = await to?.send({ method: "GET", path: "/echo", headers: [] }, { signal });
      expect(answer?.status).toBe(200);
    }
    const other = await peers.find({ appId: "nobody", namespace: "shop" }, { signal }, from);
    await expect(
      other?.send({ method: "GET", path: "/", headers: [] }, { signal }),
    ).rejects.toThrow();
  });
  it("drains: calls in flight end, new connections are refused", async () => {
    const { session, call } = await caller(port, cart);
    expect((await call("cart")).status).toBe(200);
    const closed = new Promise((resolve) => session.once("close", resolve));
    await server.drain();
    await closed;
    front?.removeAllListeners("connection");
    front?.on("connection", (socket) => server.accept(socket));
    const { context } = identities.get("web") as TestIdentity;
    expect(await refusal(port, cart, context)).toMatch(ended);
  });
});

describe("connections that were accepted elsewhere", () => {
  it("may be of a port without TLS", async () => {
    await using server = await serveInternal(common as never);
    const front = createServer({ pauseOnConnect: true }, (socket) => {
      socket.once("readable", () => server.accept(socket, socket.read() as Buffer));
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const session = connect(`http://127.0.0.1:${(front.address() as AddressInfo).port}`);
    const stream = session.request({
      ":method": "GET",
      ":path": "/echo",
      "outrigger-callee-app-id": "cart",
      "outrigger-callee-namespace": "shop",
    });
    const status = await new Promise((resolve) =>
      stream.on("response", (headers) => resolve(headers[":status"])),
    );
    expect(status).toBe(200);
    session.destroy();
    front.close();
  });
  it.each(["plain", "TLS"])("may be paused, and not read at all: %s", async (how) => {
    const isTls = how === "TLS";
    await using server = await serveInternal({
      ...(isTls ? { identityFor } : {}),
      ...common,
    } as never);
    const front = createServer({ pauseOnConnect: true }, (socket) => server.accept(socket));
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const { port } = front.address() as AddressInfo;
    const session = connect(`${isTls ? "https" : "http"}://127.0.0.1:${port}`, {
      ...(identities.get("web") as TestIdentity).context,
      servername: cart,
      checkServerIdentity: () => undefined,
    });
    const stream = session.request({
      ":path": "/echo",
      "outrigger-callee-app-id": "cart",
      "outrigger-callee-namespace": "shop",
    });
    const status = await new Promise((resolve, reject) => {
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.on("error", reject);
    });
    expect(status).toBe(200);
    session.destroy();
    front.close();
  });
  it("end with the server, also those whose handshake has not begun", async () => {
    const server = await serveInternal({ identityFor, ...common } as never);
    let isEnded = false;
    const front = createServer((socket) => {
      socket.once("close", () => (isEnded = true));
      server.accept(socket);
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const socket = connectPlain((front.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("connect", resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server[Symbol.asyncDispose]();
    await eventually(() => isEnded);
    front.close();
  });
});
