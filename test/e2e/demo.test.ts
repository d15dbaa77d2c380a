import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const script = join(import.meta.dirname, "../../scripts/demo.ts");

function demo(
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => resolve({ code, output }));
  });
}

describe("the demo", () => {
  it("takes three apps of the official SDK through an order flow, every step as it should be", async () => {
    const { code, output } = await demo();
    expect(output).toContain("12 steps, all as they should be");
    expect(output).not.toContain("FAIL");
    expect(code).toBe(0);
  });
  it("fails, and says what it waited for, when the apps have no components", async () => {
    const { code, output } = await demo({
      DEMO_RESOURCES: mkdtempSync(join(tmpdir(), "outrigger-none-")),
    });
    expect(output).toContain("The demo failed");
    expect(code).toBe(1);
  });
});
