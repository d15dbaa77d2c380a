import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import {
  callFrom,
  putPod,
  type TestNode,
  testNode,
  type TestPod,
} from "#test/support/node-cluster.ts";
import { getText, http2From, rawFrom } from "#test/support/raw-from.ts";
import { pathOfRpc, rpcStream } from "#test/support/rpc-stream.ts";

let node: TestNode;
let cart: TestPod;
beforeEach(async () => {
  node = await testNode();
  cart = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
  await node.ready;
}, 30_000);
afterEach(() => node[Symbol.asyncDispose]());

/** There is no such version here, so that the same program starts anew. */
function pin(version: string | undefined): void {
  node.api.put({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: "shop",
      annotations: version === undefined ? {} : { "outrigger.dev/version-pin": version },
    },
  });
}
const pid = (): number => node.groups()[0]?.pid as number;
const call = (path = "/v1.0/metadata") =>
  callFrom(cart.ip, node.port("http"), path, { token: cart.token });

describe("a group whose process is replaced", () => {
  it("loses no call, over new connections or those that are kept", async () => {
    let isOver = false;
    const statuses: number[] = [];
    const failures: unknown[] = [];
    const ask = getText("/v1.0/metadata", { "dapr-api-token": cart.token });
    const onNew = (async () => {
      while (!isOver)
        await call().then(
          ({ status }) => statuses.push(status),
          (reason: unknown) => failures.push(reason),
        );
    })();
    const onKept = (async () => {
      while (!isOver) {
        const raw = await rawFrom(cart.ip, node.port("http"));
        // Until it is told that the connection ends, as clients do.
        for (let i = 1; !isOver && !raw.text().includes("onnection: close"); i++) {
          raw.write(ask);
          await raw.statuses(i).then(
            (all) => statuses.push(all.at(-1) as number),
            (reason: unknown) => failures.push(reason),
          );
        }
        raw.socket.destroy();
      }
    })();
    const former = pid();
    pin("9.9.9");
    await eventually(() => pid() !== former, { withinMs: 15_000 });
    const second = pid();
    // Taken back at once, while the first one is still ending.
    pin(undefined);
    await eventually(() => pid() !== second, { withinMs: 15_000 });
    await delay(200);
    isOver = true;
    await Promise.all([onNew, onKept]);
    expect(failures).toEqual([]);
    expect(statuses.length).toBeGreaterThan(50);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(node.groups().map(({ restarts }) => restarts)).toEqual([0]);
    expect(node.logs.join("\n")).toContain("There is no version 9.9.9 here");
  });
  it("lets what is in flight end, and ends the token of a pod that goes meanwhile", async () => {
    const slow = createServer((_, response) => void setTimeout(() => response.end("late"), 2500));
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.12", resolve));
    const { port } = slow.address() as { port: number };
    const annotations = { "dapr.io/app-port": String(port) };
    putPod(node.api, { name: "slow", ip: "127.0.0.12", annotations });
    const leaving = putPod(node.api, { name: "leaving", ip: "127.0.0.13" });
    const get = () =>
      callFrom(leaving.ip, node.port("http"), "/v1.0/metadata", { token: leaving.token });
    await eventually(async () => (await get()).status === 200);
    const session = http2From(leaving.ip, node.port("grpc"));
    const stream = rpcStream(session, pathOfRpc("SubscribeTopicEventsAlpha1"), {
      "dapr-api-token": leaving.token,
    });
    const kept = await rawFrom(leaving.ip, node.port("http"));
    kept.write(getText("/v1.0/metadata", { "dapr-api-token": leaving.token }));
    expect(await kept.statuses(1)).toEqual([200]);
    const inFlight = call("/v1.0/invoke/slow/method/x");
    await delay(100);
    const former = pid();
    pin("9.9.9");
    await eventually(() => pid() !== former, { withinMs: 15_000 });
    // The former process still has its connections.
    leaving.remove();
    await kept.closed(3000);
    await stream.status;
    expect((await get()).status).toBe(401);
    expect(await inFlight).toMatchObject({ status: 200, body: "late" });
    session.destroy();
    slow.close();
  });
});
