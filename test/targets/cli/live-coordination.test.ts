import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "#targets/cli/commands.ts";
import type { NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { eventually } from "#test/support/eventually.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { command } from "./coordination-support.ts";
import { fakeCli } from "./fake-cli.ts";

/** `outrigger run` for an app that hosts actors, and records what is asked of it. */
async function running() {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(request.url === "/dapr/config" ? '{"entities":["cart"]}' : "{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cwd = dirname(temporaryFile("x"));
  const env = { XDG_STATE_HOME: cwd, HOME: cwd };
  let runtime: NodeRuntime | undefined;
  const shell = fakeCli({
    cwd,
    env,
    start: async (options) => (runtime = await startNode(options)),
  });
  const ended = runCommand(["run", "-a", "shop", "-p", String(port)], shell.cli);
  const { httpPort } = await eventually(() => runtime?.apps.get("shop"));
  await runtime?.ready;
  const api = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`http://127.0.0.1:${httpPort}/v1.0/${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  return {
    api,
    /** What has been asked of the app under that path. */
    calls: (path: string): number => seen.filter((each) => each.endsWith(path)).length,
    outrigger: Object.assign((...args: readonly string[]) => command(args, { env, cwd }), {
      in: (folder: string, ...args: readonly string[]) => command(args, { env, cwd: folder }),
    }),
    stop: async () => {
      shell.signal("SIGTERM");
      await ended;
      server.closeAllConnections();
      server.close();
    },
  };
}

let app: Awaited<ReturnType<typeof running>>;
beforeEach(async () => {
  app = await running();
});
afterEach(() => app.stop());

describe("next to a runtime, in the folder of the app", () => {
  it("jobs run now, once, and keep their schedule", async () => {
    const { api, calls, outrigger } = app;
    await api("POST", "jobs/nightly", { schedule: "@every 1000h", repeats: 2, data: "x" });
    await api("POST", "jobs/once", { dueTime: "1000h" });
    const listed = async (): Promise<readonly object[]> =>
      JSON.parse((await outrigger("jobs", "list", "-a", "shop", "-o", "json")).out) as object[];
    const before = await listed();
    expect(before).toMatchObject([{ name: "nightly", runs: 0 }, { name: "once" }]);
    for (const name of ["nightly", "once"])
      expect(await outrigger("jobs", "run-now", name, "-a", "shop")).toMatchObject({ code: 0 });
    await eventually(() => calls("/job/nightly") === 1 && calls("/job/once") === 1);
    await eventually(async () => (await listed()).length === 1);
    await eventually(async () => JSON.stringify(await listed()) === JSON.stringify([before[0]]));
    expect(await outrigger("jobs", "delete", "nightly", "-a", "shop")).toMatchObject({ code: 0 });
    expect((await api("GET", "jobs/nightly")).status).toBe(500);
  });
  it("actors are counted, and found", async () => {
    const { api, outrigger } = app;
    for (const id of ["1", "2"])
      expect((await api("PUT", `actors/cart/${id}/method/add`)).status).toBe(200);
    const { out } = await outrigger("actors", "-o", "json");
    expect(JSON.parse(out)).toMatchObject([{ type: "cart", appId: "shop", active: 2 }]);
    expect((await outrigger("actors", "cart", "2")).out).toMatch(/App: +shop\n/);
    expect((await outrigger("actors", "cart", "3")).code).toBe(1);
  });
  it("what runs is seen from other folders, which are told where to look", async () => {
    const { outrigger } = app;
    const elsewhere = dirname(temporaryFile("x"));
    const found = await eventually(async () => {
      const all = await outrigger.in(elsewhere, "actors");
      return all.out !== "" && all;
    });
    expect(found.out).toMatch(/cart +default +shop +\S+ +0 /);
    expect(found.err).toContain("run this command in the folder of the app");
    const jobs = await outrigger.in(elsewhere, "jobs", "list", "-a", "shop");
    expect(jobs.err).toContain("run this command in the folder of the app");
  });
});
