import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";

const root = join(import.meta.dirname, "../../..");
const env = { PATH: process.env["PATH"] ?? "" };

/** What `npm pack` makes, unpacked where no node_modules is near. */
describe("the npm package", () => {
  let folder: string;
  let program: string;
  let listed: readonly string[];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "outrigger-package-"));
    const options = { cwd: root, encoding: "utf8", stdio: "pipe" } as const;
    // Without scripts: the bundle of these tests is there already.
    const pack = ["pack", "--ignore-scripts", "--pack-destination", folder];
    execFileSync("npm", pack, options);
    execFileSync("tar", ["xzf", "outrigger-0.1.0.tgz"], { cwd: folder });
    listed = execFileSync("tar", ["tzf", "outrigger-0.1.0.tgz"], { cwd: folder, encoding: "utf8" })
      .trim()
      .split("\n");
    program = join(folder, "package/bin/outrigger.mjs");
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has what is needed to run, and neither sources, source maps, tests nor what V8 kept", () => {
    const folders = new Set(listed.map((path) => path.split("/").slice(0, -1).join("/")));
    expect([...folders].toSorted()).toEqual([
      "package",
      "package/bin",
      "package/dist/azure-functions",
      "package/dist/node",
      "package/dist/workers",
    ]);
    expect(listed.filter((path) => path.endsWith(".map"))).toEqual([]);
    expect(listed).toContain("package/LICENSE");
  });
  it("needs no other package", () => {
    const text = readFileSync(join(folder, "package/package.json"), "utf8");
    const { dependencies, engines } = JSON.parse(text) as {
      readonly dependencies?: object;
      readonly engines: { readonly node: string };
    };
    expect(dependencies).toBeUndefined();
    // What bin/outrigger.mjs asks for.
    expect(engines.node).toBe(">=24");
    expect(readFileSync(program, "utf8")).toContain("const needed = 24;");
  });
  it("says its version", () => {
    const { status, stdout } = spawnSync(process.execPath, [program, "--version"], { env });
    expect(status).toBe(0);
    expect(stdout.toString()).toContain("outrigger 0.1.0");
  });
  it("runs", async () => {
    const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
    const ports = ["--dapr-http-port", http, "--dapr-grpc-port", grpc, "--metrics-port", metrics];
    const args = [program, "sidecar", "--app-id", "packed", ...ports.map(String)];
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: "ignore" });
    const ended = once(child, "close");
    try {
      const ask = async (): Promise<boolean> =>
        (await fetch(`http://127.0.0.1:${http}/v1.0/healthz`)).status === 204;
      await eventually(ask, { withinMs: 20_000, what: "healthz" });
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
  });
});
