import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { guardGroup } from "./app-guard.ts";
import { splitLines } from "./lines.ts";

export interface ProcessOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: "inherit" | "ignore";
  /** Where its output goes: to `onLine`, or directly to our own output, including a terminal. */
  readonly output: "lines" | "inherit";
  onLine(line: string, from: OutputStream): void;
}
export type OutputStream = "stdout" | "stderr";

/** A program in a separate process group. */
export interface AppProcess {
  readonly pid: number | undefined;
  /** The exit code as a shell reports it. Resolves after all output has been passed on. */
  readonly exited: Promise<number>;
  /**
   * Sends SIGTERM to the whole group, and SIGKILL to what is left after `graceMs` milliseconds.
   * Resolves with true if SIGKILL was needed.
   */
  stop(graceMs: number): Promise<boolean>;
  /** Sends SIGKILL to the whole group immediately. */
  kill(): void;
}
const pollMs = 20;
/**
 * How long to wait for output after the program has ended, because a child process may hold the
 * pipe.
 */
const outputMs = 1000;
/** Time for processes that the program left running when it ended. */
const leftoverMs = 2000;
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

export function startProcess(options: ProcessOptions): AppProcess {
  const [file = "", ...args] = options.command;
  let ended = false;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: [options.stdin, ...outputOf(options)],
    // A separate group, so that everything that the program starts can be ended with it.
    detached: true,
  });
  const { pid } = child;
  const exited = endOf(child, options).finally(() => (ended = true));
  const signal = (name: NodeJS.Signals): void => {
    if (pid !== undefined) signalGroup(pid, name);
  };
  const groupGone = async (withinMs: number): Promise<boolean> => {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline;) {
      if (pid === undefined || !isGroupAlive(pid)) return true;
      await delay(pollMs);
    }
    return false;
  };
  // After the group has gone, another group may get its number, so the number is never used again.
  let gone = pid === undefined;
  const unguard = pid === undefined ? () => {} : guardGroup(pid);
  const clear = async (graceMs: number): Promise<boolean> => {
    if (gone) return false;
    signal("SIGTERM");
    const isLate = !(await groupGone(graceMs)) && !gone;
    if (isLate) signal("SIGKILL");
    gone = true;
    unguard();
    return isLate;
  };
  let leftovers: Promise<boolean> | undefined;
  child.once("exit", () => {
    leftovers = clear(leftoverMs);
  });
  return {
    pid,
    exited,
    kill: () => {
      if (!gone) signal("SIGKILL");
    },
    stop: async (graceMs) => {
      const isLate = !ended && !leftovers && (await clear(graceMs));
      await exited;
      await leftovers;
      return isLate;
    },
  };
}

function endOf(child: ChildProcess, options: ProcessOptions): Promise<number> {
  const outputs = (["stdout", "stderr"] as const).map((from) => {
    const stream = child[from];
    const lines = splitLines((line) => options.onLine(line, from));
    stream?.on("data", (chunk: Buffer) => lines.push(chunk));
    // A broken pipe just ends; the process reports the exit.
    stream?.on("error", () => {});
    return { stream, lines };
  });
  return new Promise((resolve) => {
    let code: number | undefined;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      for (const { stream, lines } of outputs) {
        stream?.destroy();
        lines.end();
      }
      resolve(code ?? 1);
    };
    child.once("error", (reason: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      options.onLine(
        `Cannot start ${JSON.stringify(options.command[0])}: ${startFailure(reason)}`,
        "stderr",
      );
      // As in a shell: not found, or found but not executable.
      code = reason.code === "ENOENT" ? 127 : 126;
      finish();
    });
    child.once("exit", (status, signal) => {
      code = status ?? 128 + (signalNumbers[signal ?? ""] ?? 0);
      timer = setTimeout(finish, outputMs);
    });
    child.once("close", () => {
      if (code !== undefined) finish();
    });
  });
}

function outputOf({ output }: ProcessOptions): readonly ["pipe" | "inherit", "pipe" | "inherit"] {
  const each = output === "lines" ? "pipe" : "inherit";
  return [each, each];
}

function startFailure(reason: NodeJS.ErrnoException): string {
  if (reason.code === "ENOENT") return "the program or its working folder does not exist";
  if (reason.code === "EACCES") return "it is not executable";
  return reason.message;
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, name);
  } catch {
    // No process is left.
  }
}

function isGroupAlive(pid: number): boolean {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, 0);
    return true;
  } catch (reason) {
    // EPERM: the group exists, but belongs to another user.
    return (reason as NodeJS.ErrnoException).code === "EPERM";
  }
}
