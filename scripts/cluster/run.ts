/** Programs that run to their end. */
import { spawn } from "node:child_process";
import type { Ran, RunOptions } from "./api.ts";

/** Far above what kubectl prints in a test; more is cut off, so that a program gone wild cannot fill memory. */
const maxOutputBytes = 64 * 1024 * 1024;

/** Answers for every exit code; rejects only when the program cannot be started. */
export function tryRun(
  command: readonly string[],
  options: RunOptions & { readonly cwd?: string } = {},
): Promise<Ran> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs ?? 60_000,
      killSignal: "SIGKILL",
    });
    const collected = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        if (collected[name].length < maxOutputBytes) collected[name] += text;
      });
    // It may end without reading its input.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, ...collected }));
  });
}

/** Answers what it printed; rejects with what it complained about. */
export async function run(
  command: readonly string[],
  options: RunOptions & { readonly cwd?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryRun(command, options);
  if (code === 0) return stdout;
  const how = code === -1 ? "was killed or took too long" : `ended with ${code}`;
  const said = (stderr.trim() || stdout.trim()).slice(-4000);
  throw new Error(`"${command.join(" ").slice(0, 500)}" ${how}: ${said}`);
}
