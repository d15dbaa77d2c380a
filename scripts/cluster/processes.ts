/** Programs that stay up, also beyond the process that starts them; each is a file `pid/<name>` in its cluster's folder. */
import { spawn } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Starts a program with its output in `log/<name>.log`. */
export function startProcess(folder: string, name: string, command: readonly string[]): void {
  for (const part of ["pid", "log"]) mkdirSync(join(folder, part), { recursive: true });
  const [program = "", ...args] = command;
  const log = openSync(join(folder, "log", `${name}.log`), "a");
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: ["ignore", log, log],
  });
  // The next wait for it finds it dead, and says so with the log.
  child.on("error", () => {});
  child.unref();
  closeSync(log);
  writeFileSync(join(folder, "pid", name), identity(child.pid ?? 0) ?? "");
}

/** The process id of a program that is still running. */
export function pidOf(folder: string, name: string): number | undefined {
  const kept = readIf(join(folder, "pid", name));
  return kept !== undefined && isAlive(kept) ? Number(kept.split(" ")[0]) : undefined;
}

/** Kills programs at once and waits until they are gone; default: all. Answers when none is left, or after 10 s throws. */
export async function killProcesses(folder: string, names = namesIn(folder)): Promise<void> {
  killNow(folder, names);
  for (const deadline = Date.now() + 10_000; ;) {
    const left = names.filter((name) => pidOf(folder, name) !== undefined);
    if (left.length === 0) break;
    if (Date.now() > deadline) throw new Error(`Still running after SIGKILL: ${left.join(", ")}`);
    await delay(10);
  }
  for (const name of names) rmSync(join(folder, "pid", name), { force: true });
}

/** Sends SIGKILL and does not wait, for the very end of a process. */
export function killNow(folder: string, names: readonly string[] = namesIn(folder)): void {
  for (const name of names) {
    const pid = pidOf(folder, name);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }
}

/** What tells a process from a later one with the same id: the id and when it started; `undefined`: no such process. */
export function identity(pid: number): string | undefined {
  // After the name, which may hold anything, fields are split by blanks: state, ..., threads (18th), start (20th).
  const fields = readIf(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  if (fields === undefined) return undefined;
  // A killed program's first thread may be done while others still hold its ports.
  const isOver = fields[0] === "Z" && Number(fields[17]) <= 1;
  return isOver ? undefined : `${pid} ${fields[19]}`;
}

/** True while the process of that identity runs. */
export function isAlive(kept: string): boolean {
  return kept !== "" && identity(Number(kept.split(" ")[0])) === kept;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(join(folder, "pid"));
  } catch {
    return [];
  }
}

/** A small file's text; `undefined` if it is not there. */
export function readIf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
