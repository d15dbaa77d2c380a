import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodePlatform } from "#targets/node/platform.ts";
import { startNode } from "#targets/node/start.ts";
import { type TestAuthority, testAuthority } from "#test/support/certificates.ts";
import { sendText } from "#test/support/send-text.ts";
import { nodeApp } from "#test/support/node-runtime.ts";

const silent = (): void => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
/** What the proxy was asked for. */
const proxied: string[] = [];
const servers: Server[] = [];
let authority: TestAuthority;
let proxy: string;
let plain: number;
let secure: number;

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  authority = await testAuthority();
  const own = await authority.issue("server");
  const answer: RequestListener = ({ url, headers }, response) => {
    if (url === "/away") response.writeHead(302, { location: "http://169.254.169.254/latest" });
    response.end(`${headers.host} ${url}`);
  };
  plain = await listen(createServer(answer));
  secure = await listen(
    createTlsServer(
      {
        cert: own.certificate,
        key: own.privateKey,
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: false,
      },
      ({ socket }, response) => {
        const { authorized, getPeerCertificate } = socket as TLSSocket;
        response.end(authorized ? getPeerCertificate.call(socket).subject.CN : "nobody");
      },
    ),
  );
  // Whatever the name, it leads to this machine.
  const through = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url}`);
    const { pathname } = new URL(request.url ?? "");
    answer(Object.assign(request, { url: pathname }), response);
  });
  through.on("connect", (request, client) => {
    proxied.push(`CONNECT ${request.url}`);
    const { port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    for (const end of [client, upstream]) end.on("error", silent);
  });
  proxy = `http://127.0.0.1:${await listen(through)}`;
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => void proxied.splice(0));

const platform = (env: Readonly<Record<string, string>> = {}) =>
  nodePlatform(log, {
    NODE_USE_ENV_PROXY: "1",
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    ...env,
  });
async function text(
  from: Pick<ReturnType<typeof platform>, "fetch" | "send">,
  url: string,
): Promise<string> {
  const sent = await sendText(from.send, url);
  expect(await (await from.fetch(url)).text()).toBe(sent);
  return sent;
}

describe("a call that leaves the cluster", () => {
  it("goes through the proxy, also to a host that has a name there only", async () => {
    const url = `http://far.example.invalid:${plain}/a`;
    expect(await text(platform(), url)).toBe(`far.example.invalid:${plain} /a`);
    expect(proxied).toEqual([`GET ${url}`, `GET ${url}`]);
  });
  it("of TLS goes through a tunnel, with its own certificate and authority", async () => {
    const client = await authority.issue("client");
    const { sendWith } = platform();
    const send = sendWith?.({
      rootCa: authority.certificate,
      certificate: client.certificate,
      privateKey: client.privateKey,
    });
    expect(await sendText(send, `https://localhost:${secure}/`)).toBe("client");
    expect(proxied).toEqual([`CONNECT localhost:${secure}`]);
    // The certificate is still verified behind the tunnel.
    await expect(platform().fetch(`https://localhost:${secure}/`)).rejects.toThrow("fetch failed");
  });
  it("goes straight to what NO_PROXY names; small letters count more", async () => {
    const direct = platform({ NO_PROXY: "other.example, 127.0.0.1" });
    expect(await text(direct, `http://127.0.0.1:${plain}/b`)).toBe(`127.0.0.1:${plain} /b`);
    expect(proxied).toEqual([]);
    const both = platform({ NO_PROXY: "127.0.0.1", no_proxy: "other.example" });
    await text(both, `http://127.0.0.1:${plain}/b`);
    expect(proxied).toHaveLength(2);
  });
  it.each([
    "http://169.254.169.254/",
    "https://169.254.169.254/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://0xa9fea9fe/",
    "http://metadata.google.internal./",
  ])("is refused to %s before the proxy hears of it", async (url) => {
    await expect(platform().fetch(url)).rejects.toThrow("is refused");
    await expect(sendText(platform().send, url)).rejects.toThrow("is refused");
    expect(proxied).toEqual([]);
  });
  it("is refused where an answer sends it on to such an address", async () => {
    const url = `http://far.example.invalid:${plain}/away`;
    await expect(platform().fetch(url)).rejects.toThrow("169.254.169.254 is refused");
    expect(proxied).toEqual([`GET ${url}`]);
  });
  it("may use a proxy whose own address is refused, and only as a proxy", async () => {
    const from = platform({ OUTRIGGER_DENIED_ADDRESSES: "127.0.0.0/8" });
    expect(await text(from, `http://far.example.invalid:${plain}/`)).toContain("far.example");
    await expect(from.fetch(proxy)).rejects.toThrow("is refused");
  });
  it("to what NO_PROXY names is looked up with the guard", async () => {
    const from = platform({ NO_PROXY: "localhost", OUTRIGGER_DENIED_ADDRESSES: "127.0.0.1,::1" });
    const failure = await from.fetch(`http://localhost:${plain}/`).catch((reason: Error) => reason);
    expect(String((failure as Error).cause)).toContain("is refused: denied by configuration");
  });
  it.each([
    ["without NODE_USE_ENV_PROXY", { NODE_USE_ENV_PROXY: "" }],
    ["with another value of it", { NODE_USE_ENV_PROXY: "true" }],
    ["without a proxy", { HTTP_PROXY: "", HTTPS_PROXY: "" }],
  ])("goes straight to its host %s", async (_, env) => {
    expect(await text(platform(env), `http://127.0.0.1:${plain}/c`)).toBe(`127.0.0.1:${plain} /c`);
    expect(proxied).toEqual([]);
  });
});

describe("a runtime behind a proxy", () => {
  it("calls its app without, and HTTPEndpoints with it", async () => {
    const options = nodeApp({
      appPort: plain,
      inlineResources: [
        {
          name: "far.yaml",
          text: `apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata: { name: far }\nspec: { baseUrl: "http://far.example.invalid:${plain}" }`,
        },
      ],
    });
    const runtime = await startNode({
      apps: [options],
      log,
      env: { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy },
      failOnComponentError: true,
      shutdown: silent,
    });
    try {
      await runtime.ready;
      const base = `http://127.0.0.1:${runtime.apps.get(options.appId)?.httpPort}/v1.0/invoke`;
      const own = await fetch(`${base}/${options.appId}/method/own`);
      expect([own.status, await own.text()]).toEqual([200, expect.stringContaining(" /own")]);
      expect(proxied).toEqual([]);
      const far = await fetch(`${base}/far/method/there`);
      expect([far.status, await far.text()]).toEqual([200, expect.stringContaining(" /there")]);
      expect(proxied).toEqual([`GET http://far.example.invalid:${plain}/there`]);
    } finally {
      await runtime.stop();
    }
  });
});
