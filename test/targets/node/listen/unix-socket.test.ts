import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { nodeRuntime } from "#test/support/node-runtime.ts";
import { sidecar } from "#test/support/sidecar.ts";
import { prepareSocket } from "#targets/node/listen/unix-socket.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sock-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});
const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

function get(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .once("error", reject)
      .end();
  });
}
async function listening(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

describe("--unix-domain-socket", () => {
  it("serves both APIs on sockets that only the user can open, and takes them away", async () => {
    const runtime = await nodeRuntime({ appId: "uds", unixSocketFolder: folder });
    const http = join(folder, "dapr-uds-http.socket");
    expect(await get(http, "/v1.0/healthz")).toBe(204);
    expect((await stat(http)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "dapr-uds-grpc.socket"))).isSocket()).toBe(true);
    await runtime.stop();
    expect(await exists(http)).toBe(false);
  });
  it("starts again at once after SIGKILL", async () => {
    const args = ["--app-id", "killed", "--unix-domain-socket", folder];
    const path = join(folder, "dapr-killed-http.socket");
    const first = await sidecar({ args });
    await eventually(async () => (await get(path, "/v1.0/healthz")) === 204, { withinMs: 20_000 });
    first.child.kill("SIGKILL");
    await first.exited;
    expect(await exists(path)).toBe(true);
    const second = await sidecar({ args });
    await eventually(async () => (await get(path, "/v1.0/healthz")) === 204, { withinMs: 20_000 });
    expect(await second.stop()).toBe(0);
  }, 60_000);
});

describe("prepareSocket", () => {
  it("leaves a socket alone that somebody listens on", async () => {
    const path = join(folder, "dapr-a-http.socket");
    const server = await listening(path);
    await expect(prepareSocket(folder, "a", "http")).rejects.toThrow(/Another process listens/);
    expect(await exists(path)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });
  it("leaves a file alone", async () => {
    const path = join(folder, "dapr-a-grpc.socket");
    await writeFile(path, "mine");
    await expect(prepareSocket(folder, "a", "grpc")).rejects.toThrow(/not a socket/);
    expect(await exists(path)).toBe(true);
  });
  it("makes the folder, and says when the path is too long", async () => {
    const deep = join(folder, "x", "y");
    expect(await prepareSocket(deep, "a", "http")).toBe(join(deep, "dapr-a-http.socket"));
    await expect(prepareSocket(folder, "a".repeat(100), "http")).rejects.toThrow(/longer than/);
  });
});
