import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeRuntime, type InProcess } from "#test/support/node-runtime.ts";
import { rawCall, rawClient, valuesOf } from "#test/support/raw-http.ts";

describe("GET with a body", () => {
  // A fetch-style app could not see such a body.
  let app: Server;
  let runtime: InProcess;
  beforeAll(async () => {
    app = createServer(async (incoming, outgoing) => {
      let body = "";
      for await (const chunk of incoming.setEncoding("utf8")) body += String(chunk);
      outgoing.end(`${incoming.method} ${body.length} ${body.slice(0, 5)}`);
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    const { port } = app.address() as AddressInfo;
    runtime = await nodeRuntime({ appId: "edges", appPort: port, maxBodyBytes: 200_000 });
  });
  afterAll(async () => {
    await runtime?.stop();
    app?.closeAllConnections();
    await new Promise((resolve) => app.close(resolve));
  });
  function get(
    headers: Record<string, string>,
    body: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const path = "/v1.0/invoke/edges/method/echo";
      const outgoing = request(
        { host: "127.0.0.1", port: runtime.httpPort, path, method: "GET", headers },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text }));
        },
      );
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  }
  it.each([5, 100_000])("passes %i bytes on, with their length and without", async (size) => {
    const body = "b".repeat(size);
    const whole = { status: 200, text: `GET ${size} bbbbb` };
    const known = await get({ "content-length": String(size) }, body);
    expect(known).toEqual(whole);
    const unknown = await get({ "transfer-encoding": "chunked" }, body);
    expect(unknown).toEqual(whole);
  });
  it("passes none on where there is none", async () => {
    expect(await get({}, "")).toEqual({ status: 200, text: "GET 0 " });
    expect(await get({ "content-length": "0" }, "")).toEqual({ status: 200, text: "GET 0 " });
  });
  it("refuses one past the limit", async () => {
    const answer = await get({ "content-length": "200001" }, "b".repeat(200_001));
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("ERR_DIRECT_INVOKE");
  });
});

const ipv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === "::1");

describe("listen addresses", () => {
  it.skipIf(!ipv6)("takes IPv6 and IPv4 on one port", async () => {
    const runtime = await nodeRuntime({ listenAddresses: ["::1", "127.0.0.1"] });
    for (const host of ["[::1]", "127.0.0.1"])
      expect((await fetch(`http://${host}:${runtime.httpPort}/v1.0/healthz`)).status).toBe(204);
    await runtime.stop();
  });
  it("refuses an address that is not an address, saying which", async () => {
    await expect(nodeRuntime({ listenAddresses: ["no.such.host.invalid"] })).rejects.toThrow(
      /no\.such\.host\.invalid/,
    );
  });
});

describe("what an answer says of its connection", () => {
  const path = "/v1.0/healthz";
  let runtime: InProcess;
  beforeAll(async () => {
    runtime = await nodeRuntime();
  });
  afterAll(() => runtime.stop());
  it("is nothing while it stays, as Dapr's", async () => {
    using client = await rawClient(runtime.httpPort);
    for (let i = 0; i < 3; i++) {
      client.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const answer = await client.answer();
      expect(answer.start).toContain("204");
      expect(valuesOf(answer, "connection")).toEqual([]);
      expect(valuesOf(answer, "keep-alive")).toEqual([]);
    }
  });
  it("is that it ends, where the client asked for it", async () => {
    const answer = await rawCall(runtime.httpPort, path, { headers: ["Connection: close"] });
    expect(valuesOf(answer, "connection")).toEqual(["close"]);
  });
  it("is that it stays, for a client of HTTP/1.0, which would not know", async () => {
    using client = await rawClient(runtime.httpPort);
    client.send(`GET /v1.0/metadata HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
    const answer = await client.answer();
    expect(valuesOf(answer, "connection")).toEqual(["keep-alive"]);
  });
});
