import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { chart } from "../../../scripts/manifests.ts";
import { readFileSync } from "node:fs";

const script = readFileSync(join(chart, "files/is-listening.cjs"), "utf8");

/** The probe's exit code, for the process in the place of a container's first. */
function probe(port: number, pid: number): number | null {
  return spawnSync(process.execPath, ["-e", script, String(port), String(pid)], { timeout: 20_000 })
    .status;
}

/** A process that listens on a shared port, or that does what `source` says. */
async function start(source: string): Promise<{ readonly pid: number; readonly said: string }> {
  const child = spawn(process.execPath, ["-e", source], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { pid: child.pid ?? 0, said: said.toString() };
}
const listener = (port: number, host: string): string => `
  const server = require("node:net").createServer();
  server.listen({ port: ${port}, host: "${host}", reusePort: true }, () => console.log(server.address().port));`;

describe.skipIf(process.platform !== "linux")("the startup probe of the runtime (Linux)", () => {
  it.each(["127.0.0.1", "::"])(
    "tells which of two that share a port on %s listens",
    async (host) => {
      const old = await start(listener(0, host));
      const port = Number(old.said);
      const next = await start(`
      setTimeout(() => {}, 60_000);
      console.log("up");
      process.on("SIGUSR2", () => {${listener(port, host)}});`);
      expect([probe(port, old.pid), probe(port, next.pid)]).toEqual([0, 1]);
      process.kill(next.pid, "SIGUSR2");
      await expect.poll(() => probe(port, next.pid), { timeout: 10_000 }).toBe(0);
      expect(probe(port, old.pid)).toBe(0);
    },
  );

  it("takes no connection for a listener, and no other port", async () => {
    const server = await start(listener(0, "127.0.0.1"));
    const port = Number(server.said);
    const client = await start(`
      require("node:net").connect(${port}, "127.0.0.1", () => console.log("connected"));`);
    expect(probe(port, client.pid)).toBe(1);
    expect(probe(port + 1, server.pid)).toBe(1);
  });

  it("fails for a process that is not there", () => {
    expect(probe(3500, 2 ** 30)).toBe(1);
  });
});
