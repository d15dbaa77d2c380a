import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { temporaryFile } from "#test/support/temporary-file.ts";

/** Go's own compiler; `undefined` where there is none. */
export function findGo(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/go/bin"];
  return folders.map((folder) => join(folder, "go")).find((path) => existsSync(path));
}

/** Builds the program of a folder below test/interop; gives the path of the executable, which the test file's end removes. */
export async function buildGo(go: string, folder: string): Promise<string> {
  const binary = temporaryFile(folder);
  const cwd = join(import.meta.dirname, folder);
  await promisify(execFile)(go, ["build", "-o", binary, "."], { cwd });
  return binary;
}

/** Runs a program to its end; rejects with what it says when it fails. */
export function runProgram(
  path: string,
  args: readonly string[],
  input: Uint8Array,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(new Uint8Array(Buffer.concat(out)));
      else reject(new Error(Buffer.concat(said).toString().trim()));
    });
    // A program that refuses what it reads may be gone before it has read all.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
