import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Manifest } from "#core/ports/manifest.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import { withPluggable } from "#targets/node/pluggable/discover.ts";
import { describeWithGo, socketsFolder, startComponent } from "#test/pluggable/component.ts";
import { discover } from "#test/pluggable/open.ts";
import { testHost } from "#test/support/host.ts";

let folder: string;
const cleanups: Array<() => Promise<unknown>> = [];
beforeEach(() => {
  folder = socketsFolder();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

const builtIn = (kind: string, type: string, aliases?: readonly string[]): Manifest =>
  ({ kind, type, version: "v1", targets: ["node"], ...(aliases ? { aliases } : {}) }) as never;
const listed = (manifests: readonly Manifest[]): readonly string[] =>
  manifests.map(({ kind, type }) => `${kind} ${type}`);

/** Something that accepts connections at a socket. */
async function listen(name: string, greet: (server: Server) => void): Promise<void> {
  const server = createServer();
  const open = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.resume();
  });
  greet(server);
  await new Promise<void>((resolve) => server.listen(join(folder, name), resolve));
  cleanups.push(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
}

describe("sockets that offer no component", () => {
  test("a folder that is not there, an empty one, and one that is a file, leave the manifests as they are", async () => {
    const manifests = [builtIn("state", "state.redis")];
    const file = join(folder, "file");
    writeFileSync(file, "");
    mkdirSync(join(folder, "empty"));
    for (const path of ["missing", "empty", "file"]) {
      const host = testHost({ env: { DAPR_COMPONENTS_SOCKETS_FOLDER: join(folder, path) } });
      expect(await withPluggable(manifests, host)).toBe(manifests);
      expect(host.lines).toHaveLength(path === "file" ? 1 : 0);
    }
  });
  /** Runs a process that looks into the folder: how many components it finds, and whether it has loaded HTTP/2 for that. */
  const lookInto = async (path: string): Promise<string> => {
    const script = `
      const { withPluggable } = await import("#targets/node/pluggable/discover.ts");
      const { clock } = await import("#targets/node/clock.ts");
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const env = { DAPR_COMPONENTS_SOCKETS_FOLDER: ${JSON.stringify(path)} };
      const { length } = await withPluggable([], { env, log, clock });
      console.log(length, process.moduleLoadList.includes("NativeModule http2"));`;
    const args = ["--input-type=module", "--eval", script];
    return (await promisify(execFile)(process.execPath, args)).stdout.trim();
  };
  test("nothing is loaded for them where there is no socket", async () => {
    expect(await lookInto(folder)).toBe("0 false");
  });
  test("a socket that a crashed component left does not end the start", async () => {
    const socket = join(folder, "stale.sock");
    const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    await promisify(execFile)(process.execPath, ["--eval", script, socket]).catch(() => {});
    expect(existsSync(socket)).toBe(true);
    expect(await lookInto(folder)).toBe("0 true");
  });
  test("what is not gRPC, does not answer, or listens no more, is left out and named in the log", async () => {
    await listen("silent.sock", () => {});
    await listen("http.sock", (server) =>
      server.on("connection", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    );
    await listen("rude.sock", (server) => server.on("connection", (socket) => socket.destroy()));
    writeFileSync(join(folder, "file.sock"), "");
    mkdirSync(join(folder, "folder.sock"));
    const before = pipes();
    const { manifests, host } = await discover(folder);
    expect(manifests).toEqual([]);
    const lines = host.lines.map(({ level }) => level);
    expect(lines).toEqual(["warn", "warn", "warn", "warn"]);
    await expect.poll(pipes).toBeLessThanOrEqual(before);
  });
});

describeWithGo("discovery of components", () => {
  const start = async (name: string, ...flags: readonly string[]): Promise<void> => {
    const component = await startComponent(folder, name, flags);
    cleanups.push(() => component[Symbol.asyncDispose]());
  };
  test.for(["v1", "v1alpha", "both"])("reads reflection %s", async (version) => {
    await start("peer", "-reflection", version);
    const { manifests } = await discover(folder);
    expect(listed(manifests)).toEqual([
      "state state.peer",
      "pubsub pubsub.peer",
      "bindings.input bindings.peer",
      "bindings.output bindings.peer",
      "secretstores secretstores.peer",
    ]);
  });
  test("leaves out a component without reflection", async () => {
    await start("mute", "-reflection", "none");
    const { manifests, host } = await discover(folder);
    expect(manifests).toEqual([]);
    expect(host.lines).toEqual([
      { level: "warn", message: expect.stringContaining("Unimplemented") as string },
    ]);
  });
  test("offers only the services that are there, under the file's name in lower case", async () => {
    await start("My.Store", "-services", "state");
    await start("nothing", "-services", "");
    const { manifests, host } = await discover(folder);
    expect(listed(manifests)).toEqual(["state state.my.store"]);
    expect(host.lines.map(({ level }) => level).toSorted()).toEqual(["info", "warn"]);
    const registry = createRegistry(manifests, "node");
    for (const version of ["", "v0", "v1"])
      expect(registry.find("state.My.Store", version)).toHaveLength(1);
    expect(() => registry.find("state.my.store", "v2")).toThrow(
      "couldn't find state store state.my.store/v2",
    );
  });
  test("takes the place of built-in components of its kind and type", async () => {
    await start("redis", "-services", "state");
    const { manifests } = await discover(folder, [
      builtIn("state", "state.redis"),
      builtIn("pubsub", "pubsub.redis"),
      builtIn("state", "state.other", ["state.redis", "state.third"]),
    ]);
    expect(listed(manifests)).toEqual([
      "state state.redis",
      "pubsub pubsub.redis",
      "state state.other",
    ]);
    expect(manifests[0]?.remote).toBe(true);
    expect(manifests[2]?.aliases).toEqual(["state.third"]);
  });
  test("waits for a component whose socket does not listen yet, and finds the others beside one that never does", async () => {
    const late = await startComponent(folder, "late", ["-services", "secrets"]);
    cleanups.push(() => late[Symbol.asyncDispose]());
    await start("ready", "-services", "secrets");
    await late.crash();
    const discovering = discover(folder);
    await late.start();
    const { manifests } = await discovering;
    expect(listed(manifests).toSorted()).toEqual([
      "secretstores secretstores.late",
      "secretstores secretstores.ready",
    ]);
  });
});

function pipes(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "PipeWrap").length;
}
