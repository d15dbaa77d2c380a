import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { CommunicationProtocolEnum, DaprClient, LogLevel } from "@dapr/dapr";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { forward } from "#test/support/forward.ts";
import { go, goProgram, run } from "#test/support/go-program.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  callFrom,
  hostIp,
  putPod,
  type TestNode,
  testNode,
  type TestPod,
} from "#test/support/node-cluster.ts";
import { rpcFrom } from "#test/support/node-rpc.ts";
import { getText, http2From, http2Get, type Raw, rawFrom } from "#test/support/raw-from.ts";
import { answerOf, pathOfRpc, requestOf, rpcStream } from "#test/support/rpc-stream.ts";

/** No pod of the node has it. */
const nowhere = "127.0.0.99";
let node: TestNode;
let cart: TestPod;
let vault: TestPod;
const http = (): number => node.port("http");
const get = (pod: TestPod, from: string = pod.ip) =>
  callFrom(from, http(), "/v1.0/metadata", { token: pod.token });
const rpc = (pod: TestPod, from: string) =>
  rpcFrom(
    from,
    { host: hostIp, port: node.port("grpc") },
    pathOfRpc("GetMetadata"),
    requestOf("GetMetadata", {}),
    { "dapr-api-token": pod.token },
  );

beforeAll(async () => {
  node = await testNode();
  cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
  vault = putPod(node.api, { name: "vault", namespace: "bank", ip: "127.0.0.12" });
  await node.ready;
}, 30_000);
afterAll(() => node[Symbol.asyncDispose]());

describe("who is not a pod of the node", () => {
  it("has no connection for long, however slowly it speaks, and no pod waits for it", async () => {
    const began = Date.now();
    const slow = await Promise.all(Array.from({ length: 50 }, () => rawFrom(nowhere, http())));
    const text = getText("/v1.0/metadata", { "dapr-api-token": cart.token.padEnd(2000, "x") });
    let at = 0;
    const drip = setInterval(() => {
      for (const raw of slow) raw.write(text[at % text.length] as string);
      at++;
    }, 10);
    for (let i = 0; i < 20; i++) {
      const asked = performance.now();
      expect((await get(cart)).status).toBe(200);
      expect(performance.now() - asked).toBeLessThan(1000);
      await delay(50);
    }
    for (const raw of slow) await raw.closed(10_000);
    clearInterval(drip);
    expect(Date.now() - began).toBeLessThan(10_000);
    for (const raw of slow) expect(raw.text()).not.toContain("HTTP/1.1 2");
  });
  it("does not make the node think long about a header that is all spaces", async () => {
    const raw = await rawFrom(nowhere, http());
    raw.write(`GET / HTTP/1.1\r\nHost: node\r\ndapr-api-token:${" ".repeat(15_000)}x`);
    await delay(20);
    const asked = performance.now();
    expect((await get(cart)).status).toBe(200);
    expect(performance.now() - asked).toBeLessThan(500);
    raw.socket.destroy();
  });
  it("cannot take the places of others with connections that say nothing", async () => {
    const silent = await Promise.all(Array.from({ length: 1200 }, () => rawFrom(nowhere, http())));
    const [first, other] = await Promise.all([get(cart), get(vault)]);
    expect([first.status, other.status]).toEqual([200, 200]);
    await eventually(() => silent.filter((raw) => raw.isClosed()).length >= 1100);
    for (const raw of silent) await raw.closed(10_000);
  });
  it("is refused over gRPC and HTTP/2 as well", async () => {
    // Its group says so, since the token says which that is.
    expect((await rpc(cart, nowhere)).status).toBe(7);
    const stolen = http2From(nowhere, http());
    const { headers } = await http2Get(stolen, "/v1.0/metadata", { "dapr-api-token": cart.token });
    expect(headers[":status"]).toBe(403);
    stolen.destroy();
    // Without such a token it ends with nothing.
    const cut = { status: -1 };
    const made = { ...cart, token: "made up" };
    expect(await rpc(made, nowhere).catch(() => cut)).toMatchObject(cut);
    const session = http2From(nowhere, http());
    const none = { headers: {} };
    expect(await http2Get(session, "/v1.0/metadata").catch(() => none)).toMatchObject(none);
    session.destroy();
  });
});

describe("a connection that ends on its way", () => {
  it("leaves the node as it was", async () => {
    const ends: Array<(raw: Raw) => void> = [
      (raw) => raw.socket.destroy(),
      (raw) => raw.socket.resetAndDestroy(),
      (raw) => void raw.socket.end(),
      (raw) => {
        raw.write(getText("/v1.0/metadata", { "dapr-api-token": cart.token }));
        raw.socket.destroy();
      },
      (raw) => {
        raw.write("GET / HT");
        raw.socket.resetAndDestroy();
      },
      (raw) => {
        raw.write(getText("/v1.0/metadata", { "dapr-api-token": vault.token }));
        raw.socket.end();
      },
    ];
    for (const from of [cart.ip, vault.ip, nowhere, hostIp])
      for (const end of ends)
        await Promise.all(
          Array.from({ length: 10 }, async () => {
            const raw = await rawFrom(from, http());
            end(raw);
          }),
        );
    expect((await get(cart)).status).toBe(200);
    expect((await get(vault)).status).toBe(200);
    expect(node.groups().map(({ restarts }) => restarts)).toEqual([0, 0]);
  });
  it("with half of it closed is answered still", async () => {
    const raw = await rawFrom(cart.ip, http());
    raw.write(getText("/v1.0/metadata", { "dapr-api-token": cart.token }));
    raw.socket.end();
    expect(await raw.statuses(1)).toEqual([200]);
    await raw.closed(5000);
  });
});

describe("2,000 connections at once", () => {
  it("of two pods are all answered, each as its own", async () => {
    const request = (pod: TestPod): string =>
      getText("/v1.0/metadata", { "dapr-api-token": pod.token });
    const all = await Promise.all(
      Array.from({ length: 2000 }, async (_, i) => {
        const pod = i % 2 === 0 ? cart : vault;
        const raw = await rawFrom(pod.ip, http());
        raw.write(request(pod));
        return raw;
      }),
    );
    const statuses = await Promise.all(all.map((raw) => raw.statuses(1, 20_000)));
    expect(statuses.every(([status]) => status === 200)).toBe(true);
    all.forEach((raw, i) => {
      expect(raw.text()).toContain(i % 2 === 0 ? '"id":"cart"' : '"id":"vault"');
      raw.socket.destroy();
    });
    expect((await get(cart)).status).toBe(200);
  });
});

/** Connections that waited for news of their pod. */
async function heldForPods(): Promise<number> {
  const { body } = await callFrom(hostIp, node.port("metrics"), "/metrics");
  return Number(/^outrigger_held_calls_total\{reason="pod"\} (\d+)$/m.exec(body)?.[1]);
}
describe("a pod whose address is not known yet", () => {
  it("is served over gRPC and h2c where only one process can be meant", async () => {
    const early = putPod(node.api, { name: "early", namespace: "bank", ip: "" });
    await eventually(async () => {
      const { status, message } = await rpc(early, "127.0.0.21");
      return status === 0 && answerOf("GetMetadata", message).id === "early";
    });
    const session = http2From("127.0.0.21", http());
    const { body } = await http2Get(session, "/v1.0/metadata", { "dapr-api-token": early.token });
    expect(JSON.parse(body)).toMatchObject({ id: "early" });
    session.destroy();
    early.remove();
  });
  describe("where two processes can be meant", () => {
    let one: TestPod;
    let two: TestPod;
    let before: number;
    beforeEach(async () => {
      one = putPod(node.api, { name: "one", namespace: "bank", ip: "" });
      two = putPod(node.api, { name: "two", ip: "" });
      // Both are there, which HTTP/1 tells by the token alone.
      for (const [pod, ip] of [
        [one, "127.0.0.22"],
        [two, "127.0.0.23"],
      ] as const)
        await eventually(async () => (await get(pod, ip)).status === 200);
      before = await heldForPods();
    });
    afterEach(() => {
      one.remove();
      two.remove();
    });

    it("is served over gRPC by its token, and does not wait", async () => {
      for (const [pod, ip, id] of [
        [one, "127.0.0.22", "one"],
        [two, "127.0.0.23", "two"],
      ] as const) {
        const { status, message } = await rpc(pod, ip);
        expect([status, answerOf("GetMetadata", message).id]).toEqual([0, id]);
      }
      expect(await heldForPods()).toBe(before);
    });
    it("is served over h2c in the same way, and again on that connection", async () => {
      const session = http2From("127.0.0.22", http());
      for (let i = 0; i < 3; i++) {
        const { body } = await http2Get(session, "/v1.0/metadata", { "dapr-api-token": one.token });
        expect(JSON.parse(body)).toMatchObject({ id: "one" });
      }
      session.destroy();
      expect(await heldForPods()).toBe(before);
    });
    it("is served by the official SDKs, which say nothing before they have heard of a server", async ({
      skip,
    }) => {
      using port = await forward("127.0.0.23", node.port("grpc"));
      vi.stubEnv("DAPR_API_TOKEN", two.token);
      vi.stubEnv("DAPR_GRPC_ENDPOINT", `http://${hostIp}:${port.port}`);
      const client = new DaprClient({
        communicationProtocol: CommunicationProtocolEnum.GRPC,
        logger: { level: LogLevel.Error },
      });
      expect((await client.metadata.get()).id).toBe("two");
      await client.stop();
      vi.unstubAllEnvs();
      expect(await heldForPods()).toBe(before);
      if (go === undefined) return skip("Go is not installed");
      const { output } = await run(await goProgram("test/e2e/go"), ["id"], {
        DAPR_GRPC_PORT: String(port.port),
        DAPR_API_TOKEN: two.token,
      });
      expect(output).toContain("two\n");
      expect(await heldForPods()).toBe(before);
    }, 60_000);
    it("waits for its address where its call shows no token that is known, and is served with it", async () => {
      const asked = rpcFrom(
        "127.0.0.23",
        { host: hostIp, port: node.port("grpc") },
        pathOfRpc("GetMetadata"),
        requestOf("GetMetadata", {}),
        { "dapr-api-token": "of nobody" },
      );
      await delay(200);
      two.set({ ip: "127.0.0.23" });
      // Its group says who may call.
      expect((await asked).status).toBe(16);
      expect(await heldForPods()).toBe(before + 1);
    });
    it("may connect first and call when its address has come", async () => {
      const session = http2From("127.0.0.23", node.port("grpc"));
      await once(session, "remoteSettings");
      two.set({ ip: "127.0.0.23" });
      await delay(200);
      const { stream, messages, status, send, end } = rpcStream(session, pathOfRpc("GetMetadata"), {
        "dapr-api-token": two.token,
      });
      send(requestOf("GetMetadata", {}));
      end();
      expect(await status).toBe(0);
      expect(answerOf("GetMetadata", messages[0] as Buffer).id).toBe("two");
      stream.close();
      session.destroy();
      expect(await heldForPods()).toBe(before);
    });
    it("is closed where it only says that it speaks HTTP/2, or speaks it wrongly", async () => {
      for (const text of [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "PRI or else",
        `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"x".repeat(200_000)}`,
      ]) {
        const raw = await rawFrom("127.0.0.23", node.port("grpc"));
        raw.write(text);
        await raw.closed(10_000);
      }
      expect((await rpc(two, "127.0.0.23")).status).toBe(0);
    }, 60_000);
  });
  it("is served nothing from an address that is another pod's", async () => {
    const early = putPod(node.api, { name: "thief", ip: "" });
    await eventually(async () => (await get(early, "127.0.0.24")).status === 200);
    expect((await get(early, cart.ip)).status).toBe(403);
    expect((await get(early, vault.ip)).status).toBe(401);
    // The node's own: no pod has it here.
    expect((await get(early, hostIp)).status).toBe(403);
    early.remove();
  });
});

describe("the health and metrics ports", () => {
  it.each(["health", "metrics"] as const)(
    "answer the kubelet and Prometheus (%s) while a pod holds all that it can get",
    async (name) => {
      const greedy = await Promise.all(
        Array.from({ length: 200 }, () => rawFrom(cart.ip, node.port(name))),
      );
      const path = name === "health" ? "/healthz" : "/metrics";
      expect((await callFrom(hostIp, node.port(name), path)).status).toBe(200);
      for (const raw of greedy) raw.socket.destroy();
      await Promise.all(greedy.map(({ socket }) => socket.closed || once(socket, "close")));
    },
  );
});
