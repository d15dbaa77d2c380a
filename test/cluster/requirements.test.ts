/** What the tool says where it cannot help: no cluster is started here. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { placesOf } from "../../scripts/cluster/places.ts";
import { missingPackages, whyNot } from "../../scripts/cluster/requirements.ts";

const root = join(import.meta.dirname, "../..");
const main = join(import.meta.dirname, "../../scripts/cluster/main.ts");
const folder = mkdtempSync(join(tmpdir(), "outrigger-tool-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** A machine with Node and nothing else in PATH. */
const bare = { ...process.env, PATH: folder, XDG_CACHE_HOME: folder };

function tool(...args: string[]): { readonly code: number | null; readonly said: string } {
  const ran = spawnSync(process.execPath, [main, ...args], { env: bare, encoding: "utf8" });
  return { code: ran.status, said: ran.stderr };
}

describe("The tool's command line", () => {
  it("explains itself", () => {
    expect(tool()).toEqual({ code: 1, said: expect.stringContaining("Usage:") });
    expect(tool("fly").said).toContain("Usage:");
    expect(tool("up", "moon").said).toContain('no kind of cluster "moon"');
  });

  it.each(["-1", "50", "1.5", "x"])("refuses slot %s", (slot) => {
    expect(tool("down", slot)).toEqual({
      code: 1,
      said: expect.stringContaining("A cluster's slot is a number from 0 to 49"),
    });
  });

  it("has nothing to end where nothing runs", () => {
    expect(tool("down")).toEqual({ code: 0, said: "" });
    expect(tool("down", "all")).toEqual({ code: 0, said: "" });
  });

  it("names what is missing", () => {
    expect(tool("up", "control").said).toMatch(/cannot have it: no (kubectl|Go)\n/);
  });
});

describe("A machine's abilities", () => {
  it("are asked of it without changing it", () => {
    for (const mode of ["control", "kwok", "node", "node2"] as const)
      expect(whyNot(mode, false) ?? "").not.toContain("undefined");
    expect(Array.isArray(missingPackages())).toBe(true);
  });

  it("exclude real nodes without root", () => {
    const { getuid } = process;
    process.getuid = () => 1000;
    try {
      expect(whyNot("node", true)).toMatch(/^no (root|kubectl)$/);
    } finally {
      process.getuid = getuid;
    }
  });
});

describe("A test without its cluster", () => {
  const runTests = (
    more: Readonly<Record<string, string>>,
  ): { code: number | null; said: string } => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const file = "test/cluster/control-plane.test.ts";
    const env = { ...bare, OUTRIGGER_REQUIRE_CLUSTER: "0", NO_COLOR: "1", ...more };
    const ran = spawnSync(process.execPath, [vitest, "run", "--project", "cluster", file], {
      cwd: root,
      env,
      encoding: "utf8",
    });
    return { code: ran.status, said: ran.stdout + ran.stderr };
  };

  it("is skipped, and its title says why", () => {
    const { code, said } = runTests({});
    expect(said).toMatch(
      /skipped: A control plane \(skipped: no (kubectl|Go)\) > takes a pod, which waits for a node/,
    );
    expect(said).toMatch(/0 passed, 0 failed, \d+ skipped/);
    expect(code).toBe(0);
  });

  it("fails where clusters are promised", () => {
    const { code, said } = runTests({ OUTRIGGER_REQUIRE_CLUSTER: "1" });
    expect(said).toMatch(
      /No cluster "control" here: no (kubectl|Go); and OUTRIGGER_REQUIRE_CLUSTER is set/,
    );
    expect(code).toBe(1);
  });
});

describe("Slots", () => {
  it("share no name, port or address", () => {
    const all = Array.from({ length: 50 }, (_, slot) => placesOf(slot));
    const own = all.flatMap(({ folder: place, ports, hostLink, hostAddress, nodes }) => [
      place,
      hostLink,
      hostAddress,
      ...Object.values(ports),
      ...nodes.flatMap(({ ip, podCidr, cgroup, network }) => [ip, podCidr, cgroup, network]),
    ]);
    expect(new Set(own).size).toBe(own.length);
    // What the kernel takes as the name of an interface.
    expect(Math.max(...all.map(({ hostLink }) => hostLink.length))).toBeLessThan(16);
  });
});
