import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { messageOf } from "#core/errors/component-error.ts";
import type { PortChoice } from "./listening.ts";

/** What a port is for, as an error says it. */
export interface PortUse {
  readonly appId: string;
  /** `HTTP API`, `metrics`… */
  readonly what: string;
  readonly flag: string;
  readonly port: PortChoice;
}

/** Settles as the work does; a port that cannot be had is rejected with the flag that chose it, and with who has it. */
export async function orPortFault<T>(use: PortUse, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (reason) {
    throw await explained(reason, use);
  }
}

async function explained(reason: unknown, use: PortUse): Promise<unknown> {
  const code = reason instanceof Error && "code" in reason ? reason.code : undefined;
  const port = typeof use.port === "number" ? use.port : use.port.prefer;
  const cannot = `Cannot serve the ${use.what} of app "${use.appId}" on port ${port}`;
  const advice = `choose another with ${use.flag}`;
  switch (code) {
    case "EADDRINUSE": {
      const holder = await holderOf(port);
      const by = holder === undefined ? "" : ` by ${holder}`;
      return new Error(`${cannot}: the port is already in use${by}; ${advice}`, { cause: reason });
    }
    case "EACCES":
      return new Error(`${cannot}: this user cannot listen there; ${advice}`, { cause: reason });
    default:
      return code === undefined
        ? reason
        : new Error(`${cannot}: ${messageOf(reason)}`, { cause: reason });
  }
}

const listenState = "0A";
const maxProcesses = 20_000;

/** The process that listens on a port, as `node (process 4711)`; `undefined` where the system does not say (only Linux does, of one's own processes). */
export async function holderOf(port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"])
    for (const line of (await textOf(table)).split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === listenState && Number.parseInt(local.split(":")[1] ?? "", 16) === port)
        inodes.add(`socket:[${inode}]`);
    }
  if (inodes.size === 0) return undefined;
  const entries = await readdir("/proc").catch(() => []);
  for (const pid of entries.filter((name) => /^\d+$/.test(name)).slice(0, maxProcesses)) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      if (inodes.has(link)) return `${await nameOf(pid)} (process ${pid})`;
    }
  }
  return undefined;
}

/** The program's file name; Node's own name for its process would be that of a thread. */
async function nameOf(pid: string): Promise<string> {
  const [program = ""] = (await textOf(`/proc/${pid}/cmdline`)).split("\0");
  return basename(program) || "a process";
}

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
