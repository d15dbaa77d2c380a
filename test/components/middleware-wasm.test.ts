import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { middleware as manifest } from "#components/middleware-wasm/manifest.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost, type TestHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { through } from "#test/support/through.ts";
import {
  answer,
  call,
  drop,
  type GuestText,
  int,
  unreachable,
  wasmGuest,
  wrap,
} from "#test/support/wasm-guest.ts";

const open = async (
  guest: GuestText | Uint8Array,
  metadata: Readonly<Record<string, string>> = {},
  host: TestHost = testHost(),
): Promise<HttpMiddleware> => {
  const file = temporaryFile("guest.wasm");
  await writeFile(file, guest instanceof Uint8Array ? guest : wasmGuest(guest));
  return openComponent(manifest, { url: `file://${file}`, ...metadata }, host);
};
const [request, response] = [0, 1];
const bufferBoth = [...call("enable_features", 3), drop];
/** Reads up to 1000 bytes of a body to 2000, and leaves their number. */
const readBody = (kind: number): readonly (number | string)[] => [
  ...call("read_body", kind, 2000, 1000),
  wrap,
];

describe("middleware.http.wasm", () => {
  it("passes on what the guest does not touch, as it came", async () => {
    const body = new Response("body").body as ReadableStream<Uint8Array>;
    const middleware = await open({});
    let same = false;
    const given = { method: "POST", path: "/a?b=c", headers: ["x", "y"], body, maxBodyBytes: 1 };
    const result = await middleware.handle(
      given,
      async (passed) => {
        same = passed === given;
        return { status: 201, headers: ["a", "b"], body: "answer" };
      },
      { signal: new AbortController().signal },
    );
    expect(same).toBe(true);
    expect(result).toEqual({ status: 201, headers: ["a", "b"], body: "answer" });
  });
  it("lets the guest change a request", async () => {
    const middleware = await open({
      data: { 0: "/new?q=1", 16: "PUT", 32: "X-Name", 48: "value", 64: "y" },
      request: [
        ...call("set_uri", 0, 8),
        ...call("set_method", 16, 3),
        ...call("set_header_value", request, 32, 6, 48, 5),
        ...call("add_header_value", request, 32, 6, 48, 2),
        ...call("remove_header", request, 64, 1),
        ...call("write_body", request, 48, 5),
        ...call("write_body", request, 48, 3),
        ...int(1, "i64"),
      ],
    });
    const { passed } = await through(middleware, {
      method: "POST",
      path: "/old",
      headers: ["x-name", "old", "Y", "gone", "z", "kept"],
      body: "old",
    });
    expect([passed?.method, passed?.path, passed?.body]).toEqual(["PUT", "/new?q=1", "valueval"]);
    expect([...(passed?.headers ?? [])]).toEqual([
      ["z", "kept"],
      ["x-name", "va"],
    ]);
  });
  it("lets the guest answer by itself", async () => {
    const middleware = await open({
      data: { 0: "teapot", 16: "x-kind" },
      request: [
        ...call("set_status_code", 418),
        ...call("set_header_value", response, 16, 6, 0, 6),
        ...call("write_body", response, 0, 6),
        ...answer,
      ],
    });
    const result = await through(middleware);
    expect(result).toMatchObject({ status: 418, body: "teapot", passed: undefined });
    expect(result.headers.get("x-kind")).toBe("teapot");
  });
  it("shows the guest a request, which keeps its body", async () => {
    const host = testHost();
    const middleware = await open(
      {
        data: { 0: "x" },
        request: [
          ...call("log", 0, 2000, 0),
          ...int(0),
          ...int(2000),
          ...call("get_uri", 2000, 1000),
          "log",
          ...call("get_header_names", request, 2000, 1000),
          drop,
          ...call("log", 1, 2000, 7),
          ...call("get_header_values", request, 0, 1, 2000, 1000),
          drop,
          ...call("log", 2, 2000, 4),
          ...int(-1),
          ...int(2000),
          ...readBody(request),
          "log",
          ...int(0),
          ...int(2000),
          ...call("get_source_addr", 2000, 1000),
          "log",
          ...int(1, "i64"),
        ],
      },
      {},
      host,
    );
    const sent = { headers: ["X", "1", "Host", "h", "x", "2"], body: "body", remoteAddress: "::1" };
    const { passed } = await through(middleware, { method: "POST", path: "/p?q", ...sent });
    expect(passed?.body).toBe("body");
    expect(host.lines).toEqual([
      { level: "info", message: "" },
      { level: "info", message: "/p?q" },
      { level: "warn", message: "host\0x\0" },
      { level: "error", message: "1\0" + "2\0" },
      { level: "debug", message: "body" },
      { level: "info", message: "[::1]:0" },
    ]);
  });
  it("lets the guest change an answer that it holds back", async () => {
    const middleware = await open({
      data: { 0: "changed", 16: "a" },
      start: bufferBoth,
      response: [
        ...call("set_status_code", 203),
        ...call("remove_header", response, 16, 1),
        ...call("write_body", response, 0, 7),
      ],
    });
    const result = await through(
      middleware,
      {},
      { status: 200, headers: ["a", "b", "c", "d"], body: "old" },
    );
    expect([result.status, result.body, [...result.headers]]).toEqual([
      203,
      "changed",
      [["c", "d"]],
    ]);
  });
  it("lets the guest read an answer, and pass it on", async () => {
    const host = testHost();
    const middleware = await open(
      {
        start: bufferBoth,
        response: [
          ...int(0),
          ...int(2000),
          ...readBody(response),
          "log",
          ...call("get_status_code"),
          drop,
        ],
      },
      {},
      host,
    );
    const result = await through(middleware, {}, { status: 404, headers: [], body: "nothing" });
    expect([result.status, result.body, host.lines[0]?.message]).toEqual([
      404,
      "nothing",
      "nothing",
    ]);
  });
  it("puts what the guest says first before the answer of the next handler", async () => {
    const middleware = await open({
      data: { 0: "first", 16: "x" },
      request: [
        ...call("write_body", response, 0, 5),
        ...call("add_header_value", response, 16, 1, 0, 5),
        ...int(1, "i64"),
      ],
    });
    const result = await through(
      middleware,
      {},
      { status: 201, headers: ["a", "b"], body: "next" },
    );
    expect([result.status, result.body]).toEqual([201, "firstnext"]);
    expect([...result.headers.keys()]).toEqual(["x", "a"]);
  });
  it("gives the guest its configuration, and what it prints to the log", async () => {
    const host = testHost();
    const config = { guestConfig: "any text" };
    for (const startSection of [false, true]) {
      host.lines.length = 0;
      const start = [...int(0), ...int(2000), ...call("get_config", 2000, 1000), "log"];
      await open({ start, startSection }, config, host);
      expect(host.lines).toEqual([{ level: "info", message: "any text" }]);
    }
    host.lines.length = 0;
    const data = { 0: "\x10\0\0\0\x05\0\0\0", 16: "hello" };
    await open(
      {
        data,
        start: [...call("fd_write", 1, 0, 1, 64), drop, ...call("fd_write", 7, 0, 1, 64), drop],
      },
      {},
      host,
    );
    expect(host.lines).toEqual([{ level: "debug", message: "wasm stdout: hello" }]);
  });
  it("gives each request its own instance, and uses instances again", async () => {
    const host = testHost();
    const data = { 0: "started" };
    const middleware = await open({ data, start: call("log", 0, 0, 7) }, {}, host);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = (): Promise<{ status: number; headers: string[] }> =>
      held.then(() => ({ status: 200, headers: [] }));
    const both = [through(middleware, {}, slow), through(middleware, {}, slow)];
    release();
    await Promise.all(both);
    await Promise.all([through(middleware), through(middleware)]);
    expect(host.lines).toHaveLength(2);
  });
});

describe("a guest of middleware.http.wasm that goes wrong", () => {
  it.each<readonly [string, GuestText, string]>([
    ["traps", { request: [unreachable, ...int(1, "i64")] }, "unreachable"],
    [
      "points outside of its memory",
      { request: [...call("set_uri", -8, 100), ...int(1, "i64")] },
      "",
    ],
    [
      "names no header",
      { request: [...call("remove_header", request, 0, 3), ...int(1, "i64")] },
      "is not the name of a header",
    ],
    [
      "splits an answer",
      {
        data: { 0: "a", 8: "b\r\nc" },
        request: [...call("set_header_value", response, 0, 1, 8, 4), ...answer],
      },
      "must not have line breaks",
    ],
    [
      "makes no path",
      { data: { 0: "http://x/" }, request: [...call("set_uri", 0, 9), ...int(1, "i64")] },
      "is not a path",
    ],
    [
      "makes a path with a bad escape",
      { data: { 0: "/%zz" }, request: [...call("set_uri", 0, 4), ...int(1, "i64")] },
      "is not a path",
    ],
    [
      "makes no method",
      { data: { 0: "A B" }, request: [...call("set_method", 0, 3), ...int(1, "i64")] },
      "is not an HTTP method",
    ],
    [
      "makes no status",
      { request: [...call("set_status_code", 99), ...answer] },
      "there is no HTTP status 99",
    ],
    [
      "sets trailers",
      { data: { 0: "a" }, request: [...call("set_header_value", 2, 0, 1, 0, 1), ...answer] },
      "trailers are not supported",
    ],
    [
      "knows another kind of body",
      { request: [...call("write_body", 2, 0, 1), ...answer] },
      "unsupported kind: 2",
    ],
    [
      "reads into no space",
      { request: [...call("read_body", request, 0, 0), drop, ...answer] },
      "no space",
    ],
    ["changes the request too late", { response: call("set_uri", 0, 0) }, "after next handler"],
    [
      "changes an answer that it does not hold back",
      { response: call("set_status_code", 200) },
      "unless buffer_response is enabled",
    ],
    [
      "ends itself",
      { request: [...call("proc_exit", 0), ...answer] },
      "the guest ended itself with code 0",
    ],
  ])("that %s fails its request, and no other", async (_, guest, message) => {
    const middleware = await open(guest);
    await expect(through(middleware)).rejects.toThrow(message);
    await expect(through(middleware)).rejects.toThrow(message);
  });
  it("does not get a body that is too large", async () => {
    const middleware = await open({ request: [...readBody(request), drop, ...int(1, "i64")] });
    const body = "x".repeat(101);
    const post = { method: "POST", maxBodyBytes: 100 };
    await expect(through(middleware, { ...post, body })).rejects.toThrow("stream too large");
    const stream = new Response(body).body as ReadableStream<Uint8Array>;
    await expect(through(middleware, { ...post, body: stream })).rejects.toThrow(
      "stream too large",
    );
  });
  it("hears that the next handler failed, whose reason goes on", async () => {
    const host = testHost();
    const guest = { data: { 0: "failed" }, response: call("log", 0, 0, 6) };
    const middleware = await open(guest, {}, host);
    await expect(
      through(middleware, {}, () => Promise.reject(new Error("broken"))),
    ).rejects.toThrow("broken");
    expect(host.lines[0]?.message).toBe("failed");
  });
  it.each<readonly [string, GuestText | Uint8Array, string]>([
    ["is not WebAssembly", new TextEncoder().encode("hello"), "wasm: error compiling guest"],
    ["is empty", new Uint8Array(0), "wasm: error compiling guest"],
    [
      "handles no request",
      { exportNames: ["a", "handle_response", "memory"] },
      "wasm: guest doesn't export function[handle_request]",
    ],
    [
      "handles no response",
      { exportNames: ["handle_request", "b", "memory"] },
      "wasm: guest doesn't export function[handle_response]",
    ],
    [
      "shows no memory",
      { exportNames: ["handle_request", "handle_response", "c"] },
      "wasm: guest doesn't export memory[memory]",
    ],
    [
      "needs what nobody offers",
      { alien: ["env", "magic"] },
      "wasm: guest needs function[env.magic], which is not offered",
    ],
    [
      "needs an unknown function",
      { alien: ["http_handler", "fly"] },
      "wasm: guest needs function[http_handler.fly]",
    ],
    [
      "traps at its start",
      { start: [unreachable] },
      "wasm: error instantiating guest: unreachable",
    ],
    [
      "ends itself at its start",
      { start: call("proc_exit", 3) },
      "the guest ended itself with code 3",
    ],
    [
      "asks for a request at its start",
      { start: [...call("get_status_code"), drop] },
      "there is no request while the guest starts",
    ],
  ])("that %s keeps the component from starting", async (_, guest, message) => {
    await expect(open(guest)).rejects.toThrow(message);
  });
  it("may end itself without fault at its start, and may ask WASI in vain for files", async () => {
    const start = [...call("path_open", 0), drop, ...call("proc_exit", 0)];
    expect((await through(await open({ start }))).status).toBe(200);
  });
});

describe("the sandbox of middleware.http.wasm", () => {
  /** Logs the eight bytes of a clock and of chance. */
  const guest: GuestText = {
    request: [
      ...int(0),
      ...int(0, "i64"),
      ...int(2000),
      "clock_time_get",
      drop,
      ...call("random_get", 2008, 8),
      drop,
      ...call("write_body", response, 2000, 16),
      ...answer,
    ],
  };
  const looks = async (
    strictSandbox: string,
    clock = fakeClock(),
  ): Promise<readonly (readonly [bigint, bigint])[]> => {
    const middleware = await open(guest, { strictSandbox }, testHost({ clock }));
    const out: (readonly [bigint, bigint])[] = [];
    for (let i = 0; i < 2; i++) {
      const { body } = await middleware.handle(
        { method: "GET", path: "/", headers: [], maxBodyBytes: 1 },
        () => Promise.reject(new Error("not called")),
        { signal: new AbortController().signal },
      );
      const view = new DataView((body as Uint8Array<ArrayBuffer>).buffer);
      out.push([view.getBigUint64(0, true), view.getBigUint64(8, true)]);
    }
    return out;
  };
  it("has the host's clock and real chance", async () => {
    const clock = fakeClock();
    const [first, second] = await looks("false", clock);
    expect([first?.[0], second?.[0]]).toEqual(Array(2).fill(BigInt(clock.now()) * 1_000_000n));
    expect(first?.[1]).not.toBe(second?.[1]);
  });
  it("when strict, has a clock that shows nothing and chance that repeats", async () => {
    const first = await looks("true");
    expect((first[1]?.[0] ?? 0n) - (first[0]?.[0] ?? 0n)).toBe(1_000_000n);
    expect(await looks("true")).toEqual(first);
  });
});

describe("the address of a guest of middleware.http.wasm", () => {
  it("may be one of HTTP", async () => {
    const guest = wasmGuest({});
    const server = createServer(({ url }, outgoing) => {
      outgoing.writeHead(url === "/guest.wasm" ? 200 : 404).end(guest);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const middleware = await openComponent(manifest, { url: `${base}/guest.wasm` });
      expect((await through(middleware)).status).toBe(200);
      await expect(openComponent(manifest, { url: `${base}/other.wasm` })).rejects.toThrow(
        `received 404 status code from "${base}/other.wasm"`,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
  it.each([
    ["", "missing url"],
    ["guest.wasm", "invalid URL: guest.wasm"],
    ["oci://registry/guest", "unsupported URL scheme: oci"],
    ["data:application/wasm,x", "unsupported URL scheme: data"],
    [`file://${join("/", "nowhere", "guest.wasm")}`, "ENOENT"],
    ["file:///tmp", "EISDIR"],
    ["http://127.0.0.1:1/guest.wasm", "fetch failed"],
  ])("is not %j", async (url, message) => {
    await expect(openComponent(manifest, { url })).rejects.toThrow(message);
  });
});
