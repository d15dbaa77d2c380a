import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { output } from "#components/http/manifest.ts";
import type { Host } from "#core/ports/manifest.ts";
import { outsideSend } from "#targets/node/outbound/outside.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { BindingData } from "#core/ports/bindings.ts";
import { outputBindingContract } from "#test/contracts/output-binding.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { openComponent, testHost } from "#test/support/host.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
let seen: Seen[] = [];
let server: Server;
let base = "";
const options = { signal: new AbortController().signal };
const decoder = new TextDecoder();

/** An address that answers as its path says. */
function answer({ url = "" }: IncomingMessage, response: ServerResponse): void {
  const [, word = "", argument = ""] = url.split("/");
  switch (word) {
    case "status":
      response
        .writeHead(Number(argument), { "x-a": ["1", "2"], "set-cookie": ["a=1", "b=2"] })
        .end("said");
      return;
    case "text":
      response.writeHead(200, {
        "x-utf8": Buffer.from("日本").toString("latin1"),
        "x-latin1": "caf\u00e9",
      });
      response.end(Buffer.from("text"));
      return;
    case "large":
      response.writeHead(200).end("x".repeat(Number(argument)));
      return;
    case "gzip":
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("unpacked"));
      return;
    case "hang":
      response.writeHead(200).write("some");
      return;
    case "cut":
      response.writeHead(200, { "content-length": "100" }).write("some", () => response.destroy());
      return;
    case "redirect": {
      const [status, to] = argument.split("-");
      response.writeHead(Number(status), { location: decodeURIComponent(to ?? "") }).end("moved");
      return;
    }
    case "loop":
      response.writeHead(302, { location: "/loop" }).end();
      return;
    default:
      response.writeHead(200, { "content-type": "text/plain" }).end("target");
  }
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
});

/** Platforms send by themselves, or have only fetch. */
const ways: Readonly<Record<string, Partial<Host>>> = {
  send: { send: outsideSend({}) },
  fetch: {},
};
let way: Partial<Host> = {};
const call = async (
  operation: string,
  request: Partial<BindingData> = {},
  settings: Readonly<Record<string, string>> = {},
  host = testHost(way),
): Promise<BindingData> => {
  await using binding = await openComponent(output, { url: base, ...settings }, host);
  return (await binding.invoke(operation, { metadata: {}, ...request }, options)) as BindingData;
};
const textOf = ({ data }: BindingData): string =>
  typeof data === "string" ? data : decoder.decode(data);
const failure = async (work: Promise<unknown>): Promise<ComponentError> => {
  const reason = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!ComponentError.is(reason)) throw new Error(`Wanted a ComponentError, got ${String(reason)}`);
  return reason;
};

describe.each(Object.keys(ways))("bindings.http by %s", (name) => {
  beforeAll(() => (way = ways[name] ?? {}));
  outputBindingContract({
    open: () => openComponent(output, { url: base }, testHost(way)),
    works: { operation: "post", request: { data: '{"a":1}', metadata: {} }, answers: true },
    fails: { operation: "get", request: { metadata: { path: "status/500" } } },
  });

  it.each(["post", "create", "put", "patch"])("%s sends the data as JSON", async (operation) => {
    const answered = await call(operation, { data: '"text"' });
    expect(textOf(answered)).toBe("target");
    expect(seen).toMatchObject([
      {
        method: operation === "create" ? "POST" : operation.toUpperCase(),
        url: "/",
        body: '"text"',
        headers: {
          "content-type": "application/json; charset=utf-8",
          accept: "application/json; charset=utf-8",
        },
      },
    ]);
  });
  it.each(["get", "head", "delete", "options"])("%s sends no data", async (operation) => {
    await call(operation, { data: "null" });
    expect(seen).toMatchObject([{ method: operation.toUpperCase(), body: "" }]);
    expect(seen[0]?.headers["content-type"]).toBeUndefined();
  });
  it("trace is sent, but not by fetch, which refuses the method", async () => {
    if (name === "send") await call("trace");
    else expect((await failure(call("trace"))).message).toContain("TRACE");
    expect(seen.map(({ method }) => method)).toEqual(name === "send" ? ["TRACE"] : []);
  });
  it.skipIf(name === "fetch")(
    "sends no header but its own, and asks for gzip as Go does",
    async () => {
      await call("get");
      expect(seen[0]?.headers).toEqual({
        accept: "application/json; charset=utf-8",
        "accept-encoding": "gzip",
        connection: "keep-alive",
        host: base.slice(7),
        "user-agent": "outrigger",
      });
      await call("get", { metadata: { "Accept-Encoding": "br", "User-Agent": "me" } });
      expect(seen[1]?.headers).toMatchObject({ "accept-encoding": "br", "user-agent": "me" });
    },
  );
  it("leaves an answer packed that the caller has asked for packed", async () => {
    const metadata = { path: "gzip", "Accept-Encoding": "gzip, br" };
    const answered = await call("get", { metadata });
    // Fetch unpacks whatever it is told.
    const wanted = name === "send" ? gzipSync("unpacked").length : "unpacked".length;
    expect((answered.data as Uint8Array).length).toBe(wanted);
  });
  it("takes the texts of headers for UTF-8, both ways", async () => {
    const { metadata } = await call("get", { metadata: { path: "text", "X-Name": "Käse 日本" } });
    expect(Buffer.from(String(seen[0]?.headers["x-name"]), "latin1").toString()).toBe("Käse 日本");
    expect(metadata).toMatchObject({ "X-Utf8": "日本", "X-Latin1": "caf\u00e9" });
  });
  it("answers status and headers as metadata, those that came several times joined, and nothing of the transfer", async () => {
    const { metadata } = await call("get", { metadata: { path: "status/201" } });
    expect(metadata).toMatchObject({
      statusCode: "201",
      status: "201 Created",
      "X-A": "1, 2",
      "Set-Cookie": "a=1, b=2",
    });
    expect(metadata).not.toHaveProperty("transfer-encoding");
  });
  it("unpacks a compressed answer and drops what described the packed one", async () => {
    const answered = await call("get", { metadata: { path: "gzip" } });
    expect(textOf(answered)).toBe("unpacked");
    expect(answered.metadata).not.toHaveProperty("content-encoding");
    expect(answered.metadata).not.toHaveProperty("content-length");
  });
  it("appends path, with one slash between", async () => {
    await call("get", { metadata: { path: "//p?x=1" } }, { url: `${base}/target/` });
    expect(seen[0]?.url).toBe("/target/p?x=1");
  });
  it("sends capitalised metadata and the trace as headers, and nothing else", async () => {
    const metadata = {
      "X-One": "1",
      Accept: "text/html",
      Host: "evil",
      Connection: "close",
      x: "2",
      traceparent: "00-t",
      tracestate: "s",
      baggage: "b=1",
    };
    await call("get", { metadata });
    expect(seen[0]?.headers).toMatchObject({
      "x-one": "1",
      accept: "text/html",
      traceparent: "00-t",
      tracestate: "s",
      baggage: "b=1",
    });
    expect(seen[0]?.headers).not.toHaveProperty("x");
    expect(seen[0]?.headers.host).toBe(base.slice(7));
  });
  it.each(["X-\r\nB", "X Y"])("refuses %j as the name of a header", async (name) => {
    expect(await failure(call("get", { metadata: { [name]: "v" } }))).toMatchObject({
      kind: "rejected",
    });
    expect(await failure(call("get", { metadata: { "X-V": "a\r\nb: c" } }))).toMatchObject({
      kind: "rejected",
    });
    expect(seen).toEqual([]);
  });
  it("sends the security token and basic authentication of the address", async () => {
    await call(
      "get",
      {},
      {
        url: base.replace("//", "//us%40er:pass@"),
        securityToken: "s3cret",
        securityTokenHeader: "X-Token",
      },
    );
    expect(seen[0]?.headers).toMatchObject({
      "x-token": "s3cret",
      authorization: `Basic ${btoa("us@er:pass")}`,
    });
  });
  it("fails for an answer other than 2xx and still gives its metadata, unless told not to", async () => {
    const metadata = { path: "status/500" };
    expect(await failure(call("get", { metadata }))).toMatchObject({
      kind: "rejected",
      message: "received status code 500",
      metadata: { statusCode: "500", status: "500 Internal Server Error" },
    });
    expect(textOf(await call("get", { metadata }, { errorIfNot2XX: "false" }))).toBe("said");
    expect(textOf(await call("get", { metadata: { ...metadata, errorIfNot2XX: "no" } }))).toBe(
      "said",
    );
    await failure(
      call("get", { metadata: { ...metadata, errorIfNot2XX: "true" } }, { errorIfNot2XX: "false" }),
    );
  });
  it("refuses an answer larger than maxResponseBodySize, counted while it is read", async () => {
    const settings = { maxResponseBodySize: "1Ki" };
    expect(textOf(await call("get", { metadata: { path: "large/1024" } }, settings))).toHaveLength(
      1024,
    );
    const reason = await failure(call("get", { metadata: { path: "large/1025" } }, settings));
    expect(reason).toMatchObject({ kind: "rejected", metadata: { statusCode: "200" } });
    expect(reason.message).toContain("larger than maxResponseBodySize (1024 bytes)");
  });
  it("gives up after responseTimeout, the body included", async () => {
    const clock = fakeClock();
    const calling = failure(
      call(
        "get",
        { metadata: { path: "hang" } },
        { responseTimeout: "2s" },
        testHost({ clock, ...way }),
      ),
    );
    await eventually(() => seen.length === 1, { what: "the call" });
    await clock.advance(2000);
    expect(await calling).toMatchObject({
      kind: "timeout",
      message: expect.stringContaining("within 2000 ms"),
    });
    expect(clock.sleepers).toBe(0);
  });
  it("ends when the caller goes", async () => {
    const gone = new AbortController();
    await using binding = await openComponent(output, { url: `${base}/hang` }, testHost(way));
    const calling = failure(binding.invoke("get", { metadata: {} }, { signal: gone.signal }));
    await eventually(() => seen.length === 1, { what: "the call" });
    gone.abort(new Error("gone"));
    expect((await calling).kind).toBe("unavailable");
  });
  it("says why no answer came, without the query", async () => {
    const url = `http://127.0.0.1:${await freePort()}/p?key=secret`;
    const reason = await failure(call("get", {}, { url }));
    expect(reason.kind).toBe("unavailable");
    expect(reason.message).toMatch(/^GET "http:\/\/127.0.0.1:\d+\/p": connect ECONNREFUSED/);
    expect((await failure(call("get", { metadata: { path: "cut" } }))).kind).toBe("unavailable");
  });
});

describe.each(Object.keys(ways))("bindings.http by %s, redirects", (name) => {
  beforeAll(() => (way = ways[name] ?? {}));
  const redirect = (status: number, to: string): BindingData["metadata"] => ({
    path: `redirect/${status}-${encodeURIComponent(to)}`,
    "X-One": "1",
  });
  it.each([
    [301, "put", "GET", ""],
    [302, "post", "GET", ""],
    [303, "patch", "GET", ""],
    [302, "head", "HEAD", ""],
    [307, "post", "POST", "1"],
    [308, "put", "PUT", "1"],
  ])("%i of %s goes on as %s with body %j", async (status, operation, method, body) => {
    await call(operation, { data: "1", metadata: redirect(status, "/there?x=1") });
    expect(seen[1]).toMatchObject({ method, url: "/there?x=1", body, headers: { "x-one": "1" } });
    expect(seen[1]?.headers["content-type"] !== undefined).toBe(body !== "");
  });
  it("stop after ten requests", async () => {
    expect((await failure(call("get", { metadata: { path: "loop" } }))).message).toContain(
      "stopped after 10 redirects",
    );
    expect(seen).toHaveLength(10);
  });
  it("do not carry what authenticates to another host, nor back from there", async () => {
    const other = createServer((request, response) => {
      seen.push({
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: "",
      });
      response.writeHead(307, { location: `${base}/back` }).end();
    });
    await new Promise<void>((resolve) => other.listen(0, "localhost", resolve));
    const { port } = other.address() as AddressInfo;
    const metadata = {
      ...redirect(307, `http://localhost:${port}/there`),
      Authorization: "Bearer t",
      Cookie: "c=1",
    };
    await call("get", { metadata }, { securityToken: "s", securityTokenHeader: "X-Token" });
    other.close();
    expect(seen.map(({ url }) => url).slice(1)).toEqual(["/there", "/back"]);
    expect(seen[0]?.headers).toMatchObject({
      "x-token": "s",
      authorization: "Bearer t",
      cookie: "c=1",
    });
    for (const { headers } of seen.slice(1)) {
      for (const name of ["x-token", "authorization", "cookie"])
        expect(headers).not.toHaveProperty(name);
      expect(headers).toMatchObject({ "x-one": "1" });
    }
  });
  it.each(["file:///etc/passwd", "http://[bad", "javascript:1"])(
    "to %s are refused",
    async (to) => {
      expect((await failure(call("get", { metadata: redirect(302, to) }))).message).toContain(
        "the answer redirects to",
      );
    },
  );
  it("without an address are answers like any other", async () => {
    const answered = await call("get", {
      metadata: { path: "status/302", errorIfNot2XX: "false" },
    });
    expect(answered.metadata["statusCode"]).toBe("302");
  });
});

describe("bindings.http, opening", () => {
  it.each([
    [{ url: "" }, /url must be/],
    [{ url: "ftp://h" }, /url must be/],
    [{ url: "not an address" }, /url must be/],
    [{ url: "http://h", MTLSClientCert: "x" }, /MTLSClientCert and MTLSClientKey go together/],
    [{ url: "http://h", MTLSRootCA: "x" }, /need a platform with its own TLS/],
    [{ url: "http://h", maxResponseBodySize: "many" }, /maxResponseBodySize/],
    [{ url: "http://h", responseTimeout: "soon" }, /responseTimeout/],
    [{ url: "http://h", responseTimeout: "0s" }, /responseTimeout/],
    [{ url: "http://h", securityToken: "a", securityTokenHeader: "a b" }, /securityTokenHeader/],
  ])("%j is refused", async (settings, why) => {
    await expect(openComponent(output, settings)).rejects.toThrow(why);
  });
});
