import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, createServer as createHttp2Server, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frame } from "#targets/node/grpc/frames.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

/** An HTTP app that tells what it was asked. */
class App {
  readonly #server: Server;
  open = 0;
  private constructor(server: Server) {
    this.#server = server;
  }
  static async listen(): Promise<App> {
    const server = createServer((incoming, outgoing) => {
      app.open++;
      outgoing.on("close", () => app.open--);
      if (incoming.url === "/silent") return;
      if (incoming.url === "/drop") return void incoming.socket.destroy();
      if (incoming.url === "/large") {
        outgoing.writeHead(200);
        return Readable.from(
          (function* () {
            for (let i = 0; i < 64; i++) yield Buffer.alloc(65_536, 66);
          })(),
        ).pipe(outgoing);
      }
      let size = 0;
      incoming.on("data", (chunk: Buffer) => (size += chunk.length));
      incoming.on("end", () => {
        const code = incoming.url === "/teapot" ? 418 : 200;
        outgoing.writeHead(code, { "content-type": "application/json", "x-app": ["1", "2"] });
        const { method, url, headers } = incoming;
        outgoing.end(JSON.stringify({ method, url, headers, size }));
      });
    });
    const app = new App(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return app;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "outrigger-peers-"));
const calleePort = await freePort();
const configurationOf: Readonly<Record<string, object | undefined>> = {
  mdns: undefined,
  sqlite: { component: "sqlite", configuration: { connectionString: join(folder, "names.db") } },
  static: { component: "static", configuration: { hosts: { cart: `127.0.0.1:${calleePort}` } } },
};
const ghost: Readonly<Record<string, string>> = {
  mdns: "couldn't find service: ghost",
  sqlite: "no host found with the given ID",
  static: "no address is known for app id ghost",
};

/** Two processes that know nothing of each other but what name resolution says. */
describe.each(Object.keys(configurationOf))("two runtimes, found by %s", (name) => {
  let app: App;
  let callee: SidecarProcess;
  let caller: SidecarProcess;
  beforeAll(async () => {
    const config = join(folder, `${name}.json`);
    const nameResolution = configurationOf[name];
    writeFileSync(
      config,
      JSON.stringify({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Configuration",
        metadata: { name },
        spec: nameResolution ? { nameResolution } : {},
      }),
    );
    app = await App.listen();
    const common = ["--config", config, "--resources-path", folder, "--log-level", "error"];
    callee = await sidecar({
      args: [
        ...common,
        "--app-id",
        "cart",
        "--app-port",
        String(app.port),
        "--dapr-internal-grpc-port",
        String(calleePort),
        "--max-body-size",
        "1Mi",
      ],
      env: { APP_API_TOKEN: "of-the-app" },
    });
    caller = await sidecar({ args: [...common, "--app-id", "shop", "--max-body-size", "8Mi"] });
    await Promise.all([callee.healthy(), caller.healthy()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([caller?.stop(), callee?.stop()]);
    app?.stop();
  });
  const call = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${caller.httpPort}/v1.0/invoke/${path}`, init);

  it("passes a call on as it is, and its answer", async () => {
    const answer = await call("cart/method/add/1?a=b%20c", {
      method: "PUT",
      body: "hello",
      headers: { "x-mine": "yes", "dapr-caller-app-id": "admin", "dapr-api-token": "stolen" },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-app")).toBe("1, 2");
    expect(await answer.json()).toMatchObject({
      method: "PUT",
      url: "/add/1?a=b%20c",
      size: 5,
      headers: {
        "x-mine": "yes",
        "dapr-caller-app-id": "shop",
        "dapr-callee-app-id": "cart",
        "dapr-api-token": "of-the-app",
      },
    });
  });
  it("gives the app's own status", async () => {
    expect((await call("cart/method/teapot")).status).toBe(418);
  });
  it("says that nobody hosts an app", async () => {
    const answer = await call("ghost/method/m");
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({
      errorCode: "ERR_DIRECT_INVOKE",
      message: `failed to invoke, id: ghost, err: ${ghost[name]}`,
    });
  });
  it("takes large bodies both ways, as streams", async () => {
    const body = Readable.toWeb(
      Readable.from(
        (function* () {
          for (let i = 0; i < 100; i++) yield Buffer.alloc(65_536, 65);
        })(),
      ),
    ) as ReadableStream<Uint8Array>;
    const sent = await call("cart/method/in", {
      method: "POST",
      body,
      duplex: "half",
    } as RequestInit);
    expect(((await sent.json()) as { size: number }).size).toBe(100 * 65_536);
    expect((await (await call("cart/method/large")).arrayBuffer()).byteLength).toBe(64 * 65_536);
  });
  it("says when the app breaks off", async () => {
    const answer = await call("cart/method/drop");
    expect(answer.status).toBe(500);
    expect(((await answer.json()) as { message: string }).message).toContain(
      "failed to invoke, id: cart, err: error invoking app channel",
    );
  });
  it("ends the call at the app when the caller goes", async () => {
    const gone = new AbortController();
    const pending = call("cart/method/silent", { signal: gone.signal }).catch(() => {});
    await eventually(() => app.open === 1, { what: "the call at the app" });
    gone.abort();
    await pending;
    await eventually(() => app.open === 0, { what: "no call at the app" });
  });
  it("is called by InvokeService, too", async () => {
    using client = wireClient(caller.grpcPort);
    const { code, response } = await client.unary("InvokeService", {
      id: "cart",
      message: { method: "m", httpExtension: { verb: 1 } },
    });
    expect(code).toBe(status.OK);
    expect(JSON.parse(Buffer.from(response.data.value).toString())).toMatchObject({ url: "/m" });
  });
  // The last, since the connection that carried the upload ends with it.
  it("refuses a body above the caller's limit", async () => {
    const body = Readable.toWeb(
      Readable.from(
        (function* () {
          for (let i = 0; i < 200; i++) yield Buffer.alloc(65_536, 65);
        })(),
      ),
    ) as ReadableStream<Uint8Array>;
    const answer = await call("cart/method/in", {
      method: "POST",
      body,
      duplex: "half",
    } as RequestInit);
    expect(answer.status).toBe(500);
    expect(((await answer.json()) as { message: string }).message).toContain("stream too large");
  });
});

describe("gRPC between two runtimes", () => {
  let app: Http2Server;
  let callee: SidecarProcess;
  let caller: SidecarProcess;
  const seen: Array<Readonly<Record<string, unknown>>> = [];
  beforeAll(async () => {
    app = createHttp2Server();
    app.on("stream", (stream, headers) => {
      seen.push(headers);
      stream.on("error", () => {});
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.pipe(stream);
    });
    await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
    const appPort = String((app.address() as AddressInfo).port);
    const common = ["--resources-path", folder, "--log-level", "error"];
    callee = await sidecar({
      args: [
        ...common,
        "--app-id",
        "peer",
        "--app-port",
        appPort,
        "--app-protocol",
        "grpc",
        "--disable-init-endpoints",
        "subscribe",
      ],
      env: { APP_API_TOKEN: "of-the-app" },
    });
    caller = await sidecar({ args: [...common, "--app-id", "dialler"] });
    await Promise.all([callee.healthy(), caller.healthy()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([caller?.stop(), callee?.stop()]);
    app?.close();
  });

  it("passes the frames of any service on", async () => {
    const session = connect(`http://127.0.0.1:${caller.grpcPort}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/my.Service/Echo",
      "content-type": "application/grpc",
      te: "trailers",
      "dapr-app-id": "peer",
    });
    stream.write(frame(Buffer.from("one")));
    const first = await new Promise<Buffer>((done) => stream.once("data", done));
    expect(first).toEqual(frame(Buffer.from("one")));
    stream.end(frame(Buffer.from("two")));
    const trailers = new Promise((done) => stream.once("trailers", done));
    stream.resume();
    expect(await trailers).toMatchObject({ "grpc-status": "0" });
    expect(seen.at(-1)).toMatchObject({
      ":path": "/my.Service/Echo",
      "dapr-caller-app-id": "dialler",
      "dapr-callee-app-id": "peer",
      "dapr-api-token": "of-the-app",
    });
    expect(seen.at(-1)).not.toHaveProperty("outrigger-callee-app-id");
    session.close();
  });
});

describe("a runtime whose internal port is on loopback alone", () => {
  it.each(["mdns", "sqlite"])(
    "is found there by %s, wherever the machine is",
    async (name) => {
      const config = join(folder, `loopback-${name}.json`);
      const nameResolution = configurationOf[name];
      writeFileSync(
        config,
        JSON.stringify({
          apiVersion: "dapr.io/v1alpha1",
          kind: "Configuration",
          metadata: { name },
          spec: nameResolution ? { nameResolution } : {},
        }),
      );
      const app = await App.listen();
      const common = ["--config", config, "--resources-path", folder, "--log-level", "error"];
      const callee = await sidecar({
        args: [
          ...common,
          "--app-id",
          `lone-${name}`,
          "--app-port",
          String(app.port),
          "--dapr-internal-grpc-listen-address",
          "127.0.0.1",
        ],
        env: { DAPR_HOST_IP: "192.0.2.1" },
      });
      const caller = await sidecar({ args: [...common, "--app-id", `caller-${name}`] });
      try {
        await Promise.all([callee.healthy(), caller.healthy()]);
        const answer = await fetch(
          `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/lone-${name}/method/x`,
        );
        expect([answer.status, await answer.json()]).toMatchObject([200, { url: "/x" }]);
      } finally {
        await Promise.all([caller.stop(), callee.stop()]);
        app.stop();
      }
    },
    60_000,
  );
});
