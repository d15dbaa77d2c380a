/**
 * node test/fuzz/main.ts [--runs 1000000] [--seed N] [--target NAME,…]: the long run. Each target has a process
 * of its own, so that one that hangs can be ended; its seed makes the same inputs again.
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { mostHeapBytes, runTarget } from "./run-target.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 30) },
    target: { type: "string" },
    child: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
/** A chunk of inputs takes well under this. */
const silenceMs = 60_000;

const { targets } = await import("./targets.ts");
const wanted = targets.filter(
  ({ name }) => !values.target || values.target.split(",").includes(name),
);
if (values.child) {
  const report = await runTarget(wanted[0] as (typeof targets)[number], seed, runs, (done) =>
    process.stdout.write(`at ${done}\n`),
  );
  process.stdout.write(`report ${JSON.stringify(report)}\n`);
  process.exit(report.failure || report.heapGrowthBytes > mostHeapBytes ? 1 : 0);
}
let failed = 0;
for (const { name } of wanted) {
  const { code, last } = await inChild(name);
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${name.padEnd(26)} ${last}\n`);
  if (code !== 0) failed++;
}
process.stdout.write(
  `${wanted.length - failed} passed, ${failed} failed (seed ${seed}, ${runs} inputs each)\n`,
);
process.exitCode = failed > 0 ? 1 : 0;

function inChild(name: string): Promise<{ readonly code: number | null; readonly last: string }> {
  return new Promise((resolve) => {
    const args = ["--expose-gc", "--max-old-space-size=512", import.meta.filename, "--child"];
    args.push("--target", name, "--runs", String(runs), "--seed", String(seed));
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    let timer = setTimeout(() => child.kill("SIGKILL"), silenceMs);
    child.stdout.on("data", (data: Buffer) => {
      text = (text + data.toString()).slice(-100_000);
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), silenceMs);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      const lines = text.trimEnd().split("\n");
      const last = lines.at(-1) ?? "";
      resolve({ code, last: last.replace(/^report /, "") || "nothing was reported" });
    });
  });
}
