import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
const inPath = (name: string): string | undefined =>
  spawnSync(name, ["version"], { stdio: "ignore" }).status === 0 ? name : undefined;

/** The Go command; `undefined` where Go is not installed. */
export const go: string | undefined = inPath("go") ?? inPath("/usr/local/go/bin/go");

/** Builds the Go program in a folder of the repository; answers where it is. Go's own cache makes the second time short. */
export async function goProgram(folder: string): Promise<string> {
  if (go === undefined) throw new Error("Go is not installed");
  const target = join(root, ".outrigger/test", folder.replaceAll("/", "-"));
  mkdirSync(join(root, ".outrigger/test"), { recursive: true });
  await promisify(execFile)(go, ["build", "-o", target, "."], { cwd: join(root, folder) });
  return target;
}

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}
/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** What the program said of a case; all that it said where it said nothing of that. */
export function resultOf({ output }: Ran, name: string): string {
  const line = output.split("\n").find((each) => each.startsWith(`CASE ${name}: `));
  return line?.slice(`CASE ${name}: `.length) ?? output;
}
