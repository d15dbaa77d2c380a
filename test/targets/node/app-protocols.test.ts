import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";

const cleanup: Array<() => unknown> = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

describe("an app that speaks h2c", () => {
  it("is invoked over HTTP/2, headers, body and status as they are", async () => {
    const server = createHttp2Server();
    server.on("stream", (stream, headers) => {
      let size = 0;
      stream.on("error", () => {});
      stream.on("data", (chunk: Buffer) => (size += chunk.length));
      stream.on("end", () => {
        stream.respond({ ":status": 201, "x-app": "yes" });
        stream.end(JSON.stringify({ path: headers[":path"], method: headers[":method"], size }));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    cleanup.push(() => server.close());
    const runtime = await nodeRuntime({
      appPort: (server.address() as AddressInfo).port,
      appProtocol: "h2c",
      disableInitEndpoints: ["config", "subscribe"],
    });
    cleanup.push(() => runtime.stop());
    const answer = await fetch(
      `http://127.0.0.1:${runtime.httpPort}/v1.0/invoke/orders/method/a/b?c=1`,
      { method: "POST", body: "x".repeat(100_000) },
    );
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-app")).toBe("yes");
    expect(await answer.json()).toEqual({ path: "/a/b?c=1", method: "POST", size: 100_000 });
  });
});

describe("an app whose health is asked for", () => {
  it("is called, and subscribed, only while it is well", async () => {
    let healthy = false;
    const seen: string[] = [];
    const app = createServer((incoming, outgoing) => {
      if (incoming.url === "/well") {
        outgoing.writeHead(healthy ? 200 : 503).end();
        return;
      }
      seen.push(incoming.url ?? "");
      incoming.resume();
      outgoing.writeHead(200, { "content-type": "application/json" });
      outgoing.end(
        incoming.url === "/dapr/subscribe"
          ? JSON.stringify([{ pubsubname: "pubsub", topic: "t", route: "/t" }])
          : "{}",
      );
    });
    await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
    cleanup.push(
      () => app.close(),
      () => app.closeAllConnections(),
    );
    const runtime: InProcess = await nodeRuntime({
      appPort: (app.address() as AddressInfo).port,
      appHealth: { path: "/well", intervalMs: 20, timeoutMs: 500, threshold: 2 },
    });
    cleanup.push(() => runtime.stop());
    const api = `http://127.0.0.1:${runtime.httpPort}/v1.0`;
    const invoke = (): Promise<Response> => fetch(`${api}/invoke/orders/method/m`);
    const publish = (): Promise<Response> =>
      fetch(`${api}/publish/pubsub/t`, { method: "POST", body: "1" });

    // The sidecar's own health does not depend on it.
    expect((await fetch(`${api}/healthz`)).status).toBe(204);
    const refused = await invoke();
    expect(refused.status).toBe(500);
    expect(((await refused.json()) as { message: string }).message).toContain(
      "app is not in a healthy state",
    );
    expect(seen).toEqual([]);

    healthy = true;
    await eventually(async () => (await invoke()).status === 200, { what: "a call that arrives" });
    await eventually(async () => (await publish()).ok && seen.includes("/t"), {
      what: "a delivery",
    });
    const metadata = (await (await fetch(`${api}/metadata`)).json()) as {
      appConnectionProperties: object;
    };
    expect(metadata.appConnectionProperties).toMatchObject({
      health: { healthCheckPath: "/well", healthProbeInterval: "20ms", healthThreshold: 2 },
    });

    healthy = false;
    await eventually(async () => (await invoke()).status === 500, { what: "a refused call" });
    seen.length = 0;
    await publish();
    expect(seen).toEqual([]);
  });
});
