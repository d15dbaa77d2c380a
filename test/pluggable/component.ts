import { execFile, spawn, type ChildProcess } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { findGo } from "#test/interop/go-program.ts";
import { eventually } from "#test/support/eventually.ts";

const sources = join(import.meta.dirname, "go");

/** A describe block for what needs the component written in Go; says why where it does not run. */
export function describeWithGo(title: string, body: () => void): void {
  const go = findGo();
  if (!go && process.env["OUTRIGGER_REQUIRE_SERVICES"] === "1")
    throw new Error("No Go compiler, and OUTRIGGER_REQUIRE_SERVICES is set");
  describe.skipIf(!go)(`${title}${go ? "" : " (skipped: no Go compiler)"}`, () => {
    body();
  });
}

/** The executable, built once for each state of its sources. */
async function build(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of readdirSync(sources).sort()) hash.update(readFileSync(join(sources, name)));
  const folder = join(tmpdir(), "outrigger-pluggable");
  const binary = join(folder, hash.digest("hex").slice(0, 16));
  if (existsSync(binary)) return binary;
  await mkdir(folder, { recursive: true });
  const made = `${binary}-${randomUUID()}`;
  await promisify(execFile)(findGo() as string, ["build", "-o", made, "."], { cwd: sources });
  await rename(made, binary);
  return binary;
}

export interface ComponentProcess {
  readonly socket: string;
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Ends the process as a crash would, and waits for it. */
  crash(): Promise<void>;
  /** Starts a new process behind the same socket. */
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A folder of sockets, removed by the caller. */
export function socketsFolder(): string {
  return mkdtempSync(join(tmpdir(), "outrigger-sockets-"));
}

/** Starts the component behind `<folder>/<name>.sock`; resolves when it accepts connections. */
export async function startComponent(
  folder: string,
  name: string,
  flags: readonly string[] = [],
): Promise<ComponentProcess> {
  const binary = await build();
  const socket = join(folder, `${name}.sock`);
  let child: ChildProcess;
  let said = "";
  let ended: Promise<unknown> = Promise.resolve();
  const start = async (): Promise<void> => {
    child = spawn(binary, ["-socket", socket, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    ended = new Promise((resolve) => child.once("close", resolve));
    await eventually(() => accepts(socket), { withinMs: 10_000, what: `a component; ${said}` });
  };
  await start();
  const crash = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    socket,
    get pid() {
      return child.pid;
    },
    kill: (signal) => void child.kill(signal),
    crash,
    start,
    [Symbol.asyncDispose]: async () => {
      await crash();
      await rm(socket, { force: true });
    },
  };
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
