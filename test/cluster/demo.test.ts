import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeOn } from "../../scripts/cluster/describe.ts";
import { tryRun } from "../../scripts/cluster/run.ts";

const command = [process.execPath, join(import.meta.dirname, "../../scripts/demo-kubernetes.ts")];

await describeOn("The demo on Kubernetes", "node", () => {
  it("takes three apps and a Job through their work, every step as it should be", async () => {
    const { code, stdout, stderr } = await tryRun(command, { timeoutMs: 240_000 });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).not.toContain("FAIL");
    expect(stdout).toContain("9 steps, all as they should be");
    expect(stdout).toMatch(
      /the runtime of the node: [1-9]\d+ MB \(supervisor [1-9]\d+, group [1-9]/,
    );
  });
});

describe("The demo where no cluster can be", () => {
  it("says why, and fails", async () => {
    const { code, stderr } = await tryRun(command, { env: { PATH: "/nowhere" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/The demo failed: .*(?:kubectl|busybox)/);
  });
});
