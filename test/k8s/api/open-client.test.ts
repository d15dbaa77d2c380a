import { createServer, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Credentials, fixedAccess } from "#k8s/api/access.ts";
import type { KubeError } from "#k8s/api/client.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { pod } from "./support.ts";

const failureOf = (work: Promise<unknown>): Promise<KubeError> =>
  work.then(
    () => {
      throw new Error("it went well");
    },
    (reason: unknown) => reason as KubeError,
  );

describe("requests", () => {
  let api: KubeApiDouble;
  beforeEach(async () => {
    api = await kubeApi();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it("creates, reads, changes and deletes over one connection", async () => {
    await using client = openClient(api.access());
    const path = "/api/v1/namespaces/shop/pods";
    const made = await client.request<Pod>("POST", path, {
      body: { metadata: { generateName: "job-" }, spec: { nodeName: "n1" } },
    });
    expect(made.metadata.name).toMatch(/^job-\w+$/);
    const own = `${path}/${made.metadata.name}`;
    await client.request("PATCH", own, { body: { metadata: { labels: { a: "1" } } } });
    const read = await client.request<Pod>("GET", own);
    expect(read.metadata.labels).toEqual({ a: "1" });
    await client.request("PUT", own, { body: { ...read, spec: { nodeName: "n2" } } });
    await client.request("DELETE", own);
    expect(api.list(path)).toEqual([]);
    expect(api.requests.map(({ contentType }) => contentType)).toEqual([
      "application/json",
      "application/merge-patch+json",
      undefined,
      "application/json",
      undefined,
    ]);
  });
  it("a refusal says what was asked and what the server said, and whether to try again", async () => {
    await using client = openClient(api.access());
    const missing = await failureOf(client.request("GET", "/api/v1/namespaces/shop/pods/a?x=1"));
    expect(missing).toMatchObject({
      name: "KubeError",
      code: 404,
      reason: "NotFound",
      isTransient: false,
      message: `GET ${api.url}/api/v1/namespaces/shop/pods/a: 404 NotFound: pods "a" not found`,
    });
    api.fail({ status: 429, reason: "TooManyRequests", retryAfterSeconds: 2 });
    const later = await failureOf(client.request("GET", "/api/v1/pods"));
    expect(later).toMatchObject({ code: 429, retryAfterMs: 2000, isTransient: true });
    api.fail({ status: 500, message: "m".repeat(100_000) });
    expect((await failureOf(client.request("GET", "/api/v1/pods"))).message.length).toBeLessThan(
      1200,
    );
  });
  it("nobody there, a cut and a hanging server are failures of code 0", async () => {
    await using client = openClient(api.access());
    api.fail({ hang: true });
    expect(await failureOf(client.request("GET", "/api/v1/pods", { timeoutMs: 50 }))).toMatchObject(
      { code: 0, message: expect.stringMatching(/no answer in time/) as string },
    );
    api.fail({ cut: true });
    expect(await failureOf(client.request("POST", "/api/v1/pods", { body: {} }))).toMatchObject({
      code: 0,
      isTransient: true,
    });
    await api.stop();
    expect(await failureOf(client.request("GET", "/api/v1/pods"))).toMatchObject({
      code: 0,
      message: expect.stringMatching(/ECONNREFUSED/) as string,
    });
  });
  it("an answer that is too large, or no JSON, is refused", async () => {
    await using client = openClient(api.access());
    api.fail({ text: JSON.stringify({ large: "x".repeat(5000) }) });
    const large = await failureOf(client.request("GET", "/api/v1/pods", { maxBytes: 1000 }));
    expect(large.message).toMatch(/larger than 1000 bytes/);
    api.fail({ text: "<html>" });
    const html = await failureOf(client.request("GET", "/api/v1/pods"));
    expect(html).toMatchObject({
      code: 0,
      message: expect.stringMatching(/not valid JSON/) as string,
    });
  });
  it("ends with its signal, with the signal's reason", async () => {
    await using client = openClient(api.access());
    api.fail({ hang: true });
    const stop = new AbortController();
    const work = client.request("GET", "/api/v1/pods", { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(work).rejects.toThrow("enough");
    await expect(
      client.request("GET", "/api/v1/pods", { signal: AbortSignal.abort(new Error("before")) }),
    ).rejects.toThrow("before");
  });
  it("is closed once disposed of, with whatever is open", async () => {
    const client = openClient(api.access());
    api.fail({ hang: true });
    const hanging = failureOf(client.request("GET", "/api/v1/pods"));
    await eventually(() => api.requests.length === 1);
    await client[Symbol.asyncDispose]();
    expect(await hanging).toMatchObject({ code: 0 });
    expect((await failureOf(client.request("GET", "/api/v1/pods"))).message).toMatch(/closed/);
  });
  it("a path that is none is not sent", async () => {
    await using client = openClient(api.access());
    await failureOf(client.request("GET", "api/v1/pods"));
    await failureOf(client.request("GET", "/api/v1/pods/a b\r\nx: y"));
    expect(api.requests).toEqual([]);
  });
  it("at most 16 calls at once; watches take none of their places", async () => {
    await using client = openClient(api.access());
    const stop = new AbortController();
    const watching = Array.from({ length: 20 }, async () => {
      for await (const event of client.watch("/api/v1/pods?watch=true", { signal: stop.signal }))
        void event;
    });
    await eventually(() => api.watches.length === 20);
    const heal = api.fail({ verb: "list", hang: true, times: 30 });
    const calls = (): number => api.requests.filter(({ query }) => !query.has("watch")).length;
    const stuck = Array.from({ length: 30 }, () =>
      failureOf(client.request("GET", "/api/v1/pods", stop)),
    );
    await eventually(() => calls() === 16);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(calls()).toBe(16);
    stop.abort();
    await Promise.allSettled([...stuck, ...watching]);
    heal();
  });
});

describe("who we are", () => {
  it("shows its token; one that is refused is asked for anew, once, and for all who wait", async () => {
    await using api = await kubeApi();
    api.users.set("new", { username: "jane" });
    const old: Credentials = { token: "old" };
    let current = old;
    let asked = 0;
    const fresh: Credentials = { token: "new" };
    await using client = openClient({
      ...api.access(),
      credentials: async (refused) => {
        if (refused !== undefined) {
          asked++;
          if (refused === current) current = fresh;
        }
        return current;
      },
    });
    await Promise.all([1, 2, 3].map(() => client.request("GET", "/api/v1/pods")));
    expect(asked).toBe(3);
    expect(api.requests.filter(({ token }) => token === "new")).toHaveLength(3);
    await client.request("GET", "/api/v1/pods");
    expect(asked).toBe(3);
  });
  it("a 401 stands where there are no other credentials", async () => {
    await using api = await kubeApi();
    api.users.set("good", { username: "jane" });
    await using client = openClient(api.access("bad"));
    expect(await failureOf(client.request("GET", "/api/v1/pods"))).toMatchObject({ code: 401 });
    expect(api.requests).toHaveLength(1);
    const watch = client.watch("/api/v1/pods?watch=true", { signal: new AbortController().signal });
    expect(await failureOf(watch[Symbol.asyncIterator]().next())).toMatchObject({ code: 401 });
  });
  it("what gives credentials takes nothing of a request's time, also where they are renewed", async () => {
    await using api = await kubeApi();
    api.users.set("new", { username: "jane" });
    const credentials = async (refused?: Credentials): Promise<Credentials> => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      return { token: refused === undefined ? "old" : "new" };
    };
    await using client = openClient({ ...api.access(), credentials });
    await client.request("GET", "/api/v1/pods", { timeoutMs: 300 });
    expect(api.requests.map(({ token }) => token)).toEqual(["old", "new"]);
    const { signal } = new AbortController();
    const stopped = AbortSignal.timeout(50);
    await expect(
      client.request("GET", "/api/v1/pods", { signal: AbortSignal.any([signal, stopped]) }),
    ).rejects.toMatchObject({ name: "TimeoutError" });
    expect(api.requests).toHaveLength(2);
  });
  it("credentials that cannot be had, or that hold what no header may, fail without showing them", async () => {
    await using api = await kubeApi();
    await using client = openClient({
      ...api.access(),
      credentials: () => Promise.reject(new Error("no file")),
    });
    expect((await failureOf(client.request("GET", "/api/v1/pods"))).message).toMatch(/no file/);
    await using odd = openClient(api.access("secret\nx: y"));
    const failed = await failureOf(odd.request("GET", "/api/v1/pods"));
    expect(failed).toMatchObject({ code: 0 });
    expect(failed.message).not.toMatch(/secret/);
  });
  it("new certificates take new connections, while open watches go on", async () => {
    await using api = await kubeApi({ tls: true });
    let current: Credentials = { ca: api.ca as string };
    await using client = openClient({ ...api.access(), credentials: async () => current });
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { object } of client.watch<Pod>("/api/v1/pods?watch=true", stop))
        seen.push(object.metadata.name ?? "");
    })();
    await eventually(() => api.watches.length === 1);
    await client.request("GET", "/api/v1/pods");
    current = { ca: (await testAuthority()).certificate };
    expect((await failureOf(client.request("GET", "/api/v1/pods"))).message).toMatch(/certificate/);
    current = { ca: `${api.ca}\n` };
    await client.request("GET", "/api/v1/pods");
    api.put(pod("a"));
    await eventually(() => seen.includes("a"));
    stop.abort();
    await watching.catch(() => {});
  });
});

describe("TLS", () => {
  it("an unknown authority is refused, unless nothing is to be checked", async () => {
    await using api = await kubeApi({ tls: true });
    await using strict = openClient(fixedAccess(api.url));
    expect(await failureOf(strict.request("GET", "/api/v1/pods"))).toMatchObject({ code: 0 });
    await using lax = openClient(fixedAccess(api.url, { isInsecure: true }));
    await lax.request("GET", "/api/v1/pods");
    await using named = openClient(
      fixedAccess(api.url, { ca: api.ca as string, serverName: "localhost" }),
    );
    await named.request("GET", "/api/v1/pods");
    await using misnamed = openClient(
      fixedAccess(api.url, { ca: api.ca as string, serverName: "elsewhere" }),
    );
    expect((await failureOf(misnamed.request("GET", "/api/v1/pods"))).message).toMatch(/altnames/);
  });
  it("shows a client certificate", async () => {
    const authority = await testAuthority();
    const own = await authority.issue("kube-api");
    const jane = await authority.issue("jane");
    const server = createHttps(
      {
        cert: own.certificate,
        key: own.privateKey,
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (_request, response) => response.end("{}"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    await using client = openClient(
      fixedAccess(url, {
        ca: authority.certificate,
        certificate: jane.certificate,
        privateKey: jane.privateKey,
      }),
    );
    expect(await client.request("GET", "/version")).toEqual({});
    await using nobody = openClient(fixedAccess(url, { ca: authority.certificate }));
    expect(await failureOf(nobody.request("GET", "/version"))).toMatchObject({ code: 0 });
    server.closeAllConnections();
    server.close();
  });
  for (const server of ["http://10.0.0.1:6443", "ftp://127.0.0.1", "nonsense", ""])
    it(`the address "${server}" is refused`, () => {
      expect(() => openClient(fixedAccess(server))).toThrow(/API server must be/);
    });
});

describe("connections", () => {
  let server: Server;
  let url: string;
  let answer: (path: string, socket: Socket) => string | undefined;
  let count: number;
  beforeEach(async () => {
    count = 0;
    server = createServer((request, response) => {
      const text = answer(request.url ?? "", request.socket);
      if (text !== undefined) response.end(text);
    });
    server.on("connection", () => count++);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("one connection serves all calls, and the path before that of the API is kept", async () => {
    const paths: string[] = [];
    answer = (path) => {
      paths.push(path);
      return "{}";
    };
    await using client = openClient(fixedAccess(`${url}/clusters/one/`));
    for (let i = 0; i < 10; i++) await client.request("GET", "/api?limit=1");
    expect(count).toBe(1);
    expect(paths[9]).toBe("/clusters/one/api?limit=1");
  });
  it("refusals keep the connection, and IPv6 addresses are reached", async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    server.removeAllListeners("request");
    server.on("request", (_request, response) => {
      response.statusCode = 404;
      response.end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
    const { port } = server.address() as AddressInfo;
    await using client = openClient(fixedAccess(`http://[::1]:${port}`));
    for (let i = 0; i < 5; i++)
      expect(await failureOf(client.request("GET", "/x"))).toMatchObject({ code: 404 });
    expect(count).toBe(1);
  });
  it("a read that meets the end of an idle connection is asked again; a write is not", async () => {
    let isFirst = true;
    const seen = new Set<Socket>();
    answer = (_path, socket) => {
      if (seen.has(socket) && isFirst) {
        isFirst = false;
        socket.destroy();
        return undefined;
      }
      seen.add(socket);
      return "{}";
    };
    await using client = openClient(fixedAccess(url));
    await client.request("GET", "/");
    await client.request("GET", "/");
    expect(count).toBe(2);
    isFirst = true;
    expect(await failureOf(client.request("POST", "/", { body: {} }))).toMatchObject({ code: 0 });
    expect(count).toBe(2);
  });
  it("redirects are not followed, and an empty answer is undefined", async () => {
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      response.writeHead(request.url === "/moved" ? 302 : 204, { location: "/" });
      response.end();
    });
    await using client = openClient(fixedAccess(url));
    expect(await failureOf(client.request("GET", "/moved"))).toMatchObject({ code: 302 });
    expect(await client.request("GET", "/")).toBeUndefined();
  });
  it("a server that is away at first is reached when it is there", async () => {
    const port = await freePort();
    await using client = openClient(fixedAccess(`http://localhost:${port}`));
    expect((await failureOf(client.request("GET", "/"))).message).toMatch(/ECONNREFUSED/);
    const late = createServer((_request, response) => response.end("{}"));
    await new Promise<void>((resolve) => late.listen(port, "127.0.0.1", resolve));
    expect(await client.request("GET", "/")).toEqual({});
    late.closeAllConnections();
    late.close();
  });
  it("streams come as they are, and end with the signal", async () => {
    server.removeAllListeners("request");
    server.on("request", (_request, response) => {
      response.write("line 1\n");
      setTimeout(() => response.write("line 2\n"), 10);
    });
    await using client = openClient(fixedAccess(url));
    const stop = new AbortController();
    let text = "";
    const reading = (async () => {
      for await (const chunk of await client.stream("/log", stop))
        text += Buffer.from(chunk).toString();
    })();
    await eventually(() => text === "line 1\nline 2\n");
    stop.abort(new Error("read enough"));
    await expect(reading).rejects.toThrow("read enough");
  });
  it("whoever leaves a watch or a stream closes it", async () => {
    server.removeAllListeners("request");
    let open = 0;
    server.on("request", (_request, response) => {
      open++;
      response.on("close", () => open--);
      response.write('{"type":"BOOKMARK","object":{}}\n');
    });
    await using client = openClient(fixedAccess(url));
    const { signal } = new AbortController();
    for await (const { type } of client.watch("/", { signal })) {
      expect(type).toBe("BOOKMARK");
      break;
    }
    for await (const chunk of await client.stream("/", { signal })) {
      expect(chunk.byteLength).toBe(32);
      break;
    }
    await eventually(() => open === 0);
  });
});
