import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Issuer, issuer } from "#test/doubles/issuer.ts";
import { eventually } from "#test/support/eventually.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { call, goOn, wasmGuest } from "#test/support/wasm-guest.ts";

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Pipelines, CORS and API lists as a user writes them. */
describe("an app with middleware", () => {
  let runtime: SidecarProcess;
  let oidc: Issuer;
  let token = "";
  const seen: Seen[] = [];
  const app = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
    incoming.on("end", () => {
      seen.push({ url: incoming.url ?? "", headers: incoming.headers, body });
      outgoing.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end(`got ${body}`);
    });
  });
  beforeAll(async () => {
    oidc = await issuer();
    const kid = await oidc.addKey();
    const exp = Math.floor(Date.now() / 1000) + 600;
    token = `Bearer ${await oidc.sign({ iss: oidc.url, aud: "me", exp }, kid)}`;
    app.listen(0, "127.0.0.1");
    await once(app, "listening");
    const folder = temporaryFile("resources");
    await mkdir(folder);
    const guest = join(folder, "guest.wasm");
    const mark = call("set_header_value", 0, 0, 6, 16, 4);
    await writeFile(
      guest,
      wasmGuest({ data: { 0: "x-mark", 16: "wasm" }, request: [...mark, ...goOn] }),
    );
    await writeFile(join(folder, "components.yaml"), componentsFor(guest, oidc.url));
    const config = temporaryFile("config.yaml");
    await writeFile(config, configuration);
    const { port } = app.address() as AddressInfo;
    runtime = await sidecar({
      args: [
        "--app-id",
        "app",
        "--app-port",
        String(port),
        "--allowed-origins",
        "https://a.example",
        "--resources-path",
        folder,
        "--config",
        config,
      ],
    });
    // Health is behind the bearer token too, as in Dapr.
    await eventually(() => runtime.output().includes("dapr initialized"), { withinMs: 30_000 });
    seen.length = 0;
  }, 40_000);
  afterAll(async () => {
    await runtime?.stop();
    await oidc?.[Symbol.asyncDispose]();
    app.closeAllConnections();
    app.close();
  });
  const send = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(`http://127.0.0.1:${runtime.httpPort}${path}`, {
      ...init,
      headers: { authorization: token, ...init.headers },
    });

  it("passes a request through every handler of both pipelines, and its answer back", async () => {
    const answer = await send("/v1.0/orders/7?x=1", { method: "POST", body: "straße" });
    expect([answer.status, await answer.text()]).toEqual([200, "GOT STRAßE"]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.headers.get("ratelimit-limit")).toBe("1000");
    expect(answer.headers.get("x-rate-limit-request-remote-addr")).toBe("127.0.0.1");
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ url: "/orders?id=7&x=1", body: "STRAßE" });
    expect(seen[0]?.headers["x-mark"]).toBe("wasm");
    expect(seen[0]?.headers["x-app-token"]).toBe("Bearer token");
  });
  it("refuses without a token, and what the checker does not know", async () => {
    expect((await send("/v1.0/metadata", { headers: { authorization: "" } })).status).toBe(401);
    const odd = await send("/v1.0/state/memory/a;b");
    expect([odd.status, await odd.text()]).toEqual([400, "invalid router"]);
  });
  it("guards health too", async () => {
    expect((await send("/v1.0/healthz", { headers: { authorization: "" } })).status).toBe(401);
    expect((await send("/v1.0/healthz")).status).toBe(204);
  });
  it("has what the API lists leave", async () => {
    expect((await send("/v1.0/metadata")).status).toBe(200);
    const closed = await send("/v1.0/secrets/s/k");
    expect([closed.status, ((await closed.json()) as { errorCode: string }).errorCode]).toEqual([
      404,
      "ERR_DIRECT_INVOKE",
    ]);
  });
  it("answers a preflight before any of it", async () => {
    const headers = {
      authorization: "",
      origin: "https://a.example",
      "access-control-request-method": "POST",
    };
    const answer = await send("/v1.0/metadata", { method: "OPTIONS", headers });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
      200,
      "https://a.example",
    ]);
  });
  it("keeps its limits when a body comes in parts", async () => {
    const socket = connect(runtime.httpPort, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.write(
      `POST /v1.0/orders/8 HTTP/1.1\r\nhost: x\r\nauthorization: ${token}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`,
    );
    socket.write("2\r\nab\r\n");
    socket.write("1\r\nc\r\n0\r\n\r\n");
    await once(socket, "end");
    expect(text).toMatch(/^HTTP\/1.1 200 /);
    expect(seen.at(-1)).toMatchObject({ url: "/orders?id=8", body: "ABC" });
  });
});

describe("a sidecar whose middleware is not there", () => {
  const start = async (components: string): Promise<SidecarProcess> => {
    const folder = temporaryFile("resources");
    await mkdir(folder);
    await writeFile(join(folder, "components.yaml"), components);
    const config = temporaryFile("config.yaml");
    await writeFile(config, configuration);
    return sidecar({
      args: ["--app-id", "app", "--resources-path", folder, "--config", config],
    });
  };
  it("does not start when a handler cannot", async () => {
    const runtime = await start(component("checker", "routerchecker", { rule: "(" }));
    expect(await runtime.exited).toBe(1);
    expect(runtime.output()).toContain("rule is not a valid regular expression");
  });
  it("starts without a handler that is missing, and says so", async () => {
    const runtime = await start("");
    await runtime.healthy();
    expect(runtime.output()).toMatch(/handler bearer \(middleware.http.bearer\/v1\) is not loaded/);
    await runtime.stop();
  });
});

const configuration = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {name: config}
spec:
  api:
    denied:
    - {name: secrets, version: v1, protocol: http}
  httpPipeline:
    handlers:
    - {name: checker, type: middleware.http.routerchecker}
    - {name: login, type: middleware.http.oauth2}
    - {name: bearer, type: middleware.http.bearer}
    - {name: limit, type: middleware.http.ratelimit, version: v1}
    - {name: alias, type: middleware.http.routeralias}
    - {name: guest, type: middleware.http.wasm}
  appHttpPipeline:
    handlers:
    - {name: credentials, type: middleware.http.oauth2clientcredentials}
    - {name: upper, type: middleware.http.uppercase}
`;

function component(name: string, type: string, metadata: Readonly<Record<string, string>>): string {
  return `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: ${name}}
spec:
  type: middleware.http.${type}
  version: v1
  metadata: ${JSON.stringify(Object.entries(metadata).map(([key, value]) => ({ name: key, value })))}
`;
}

function componentsFor(guest: string, issuerUrl: string): string {
  const tokenURL = `${issuerUrl}/token`;
  const client = { clientID: "id", clientSecret: "secret", tokenURL };
  const login = { ...client, authURL: "https://login.example", pathFilter: "^/v1.0/login" };
  return [
    component("checker", "routerchecker", { rule: "^[A-Za-z0-9/._?=-]+$" }),
    component("login", "oauth2", login),
    component("bearer", "bearer", { issuer: issuerUrl, audience: "me" }),
    component("limit", "ratelimit", { maxRequestsPerSecond: "1000" }),
    component("alias", "routeralias", {
      routes: JSON.stringify({ "/v1.0/orders/{id}": "/v1.0/invoke/app/method/orders" }),
    }),
    component("guest", "wasm", { url: `file://${guest}` }),
    component("credentials", "oauth2clientcredentials", {
      ...client,
      scopes: "one",
      headerName: "x-app-token",
    }),
    component("upper", "uppercase", { direction: "both" }),
  ].join("---\n");
}
