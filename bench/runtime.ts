import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rssBytes } from "./process.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "bin/outrigger.mjs");

export interface Running {
  readonly base: string;
  readonly pids: readonly number[];
  readonly startMs: number;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (there: boolean): void => {
      socket.destroy();
      resolve(there);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if (await ask().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 2));
  }
  throw new Error(`${what} did not come up within 30 s`);
}

/** The app behind the runtime: in Go, so that it is not the limit; in Node where there is no Go. */
export async function startBackend(): Promise<{
  readonly port: number;
  readonly language: string;
  stop(): void;
}> {
  const port = await freePort();
  const cache = join(root, ".outrigger/bench");
  mkdirSync(cache, { recursive: true });
  const binary = join(cache, "backend");
  let child: ChildProcess;
  let language = "Go";
  try {
    execFileSync("go", ["build", "-o", binary, join(import.meta.dirname, "backend/main.go")], {
      stdio: "pipe",
    });
    child = spawn(binary, [String(port)], { stdio: "inherit" });
  } catch {
    language = "Node (no Go here: the backend may be the limit)";
    const server =
      "require('http').createServer((q, r) => { r.writeHead(q.url.startsWith('/dapr/') ? 404 : 200, { 'content-type': 'text/plain' }); r.end('hello') }).listen(+process.argv[1], '127.0.0.1')";
    child = spawn(process.execPath, ["-e", server, String(port)], { stdio: "inherit" });
  }
  await until("The backend", () => listens(port));
  return { port, language, stop: () => void child.kill() };
}

/** `outrigger sidecar` as a user starts it, in a folder of its own. */
export async function startRuntime(options: {
  readonly appPort?: number;
  readonly resources: readonly string[];
}): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  for (const name of options.resources)
    cpSync(join(import.meta.dirname, "resources", name), join(folder, "resources", name), {
      recursive: true,
    });
  const port = await freePort();
  const args = [
    "sidecar",
    "--app-id",
    "bench",
    "--dapr-http-port",
    String(port),
    "--log-level",
    "error",
  ];
  for (const flag of ["--dapr-grpc-port", "--metrics-port", "--dapr-internal-grpc-port"])
    args.push(flag, String(await freePort()));
  if (options.appPort !== undefined) args.push("--app-port", String(options.appPort));
  if (existsSync(join(folder, "resources"))) args.push("--resources-path", "resources");
  const before = performance.now();
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    env: {},
  });
  const base = `http://127.0.0.1:${port}`;
  await until("The runtime", async () => (await fetch(`${base}/v1.0/healthz`)).status === 204);
  return {
    base,
    pids: [child.pid as number],
    startMs: performance.now() - before,
    stop: () => stop(child, folder),
  };
}

/** Memory of one process that hosts so many apps, each with the same components, in bytes. */
export async function rssOfApps(count: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  cpSync(
    join(import.meta.dirname, "resources/components.yaml"),
    join(folder, "resources/components.yaml"),
    { recursive: true },
  );
  const ports: number[] = [];
  for (let i = 0; i < count; i++) ports.push(await freePort());
  const apps = ports.map((port, i) => ({
    appID: `app-${i}`,
    appDirPath: ".",
    daprHTTPPort: port,
    command: ["sleep", "60"],
  }));
  writeFileSync(
    join(folder, "dapr.yaml"),
    JSON.stringify({ version: 1, common: { resourcesPath: "./resources" }, apps }),
  );
  const child = spawn(process.execPath, [bin, "run", "-f", "dapr.yaml"], {
    cwd: folder,
    stdio: "ignore",
  });
  try {
    for (const port of ports)
      await until(
        "An app's API",
        async () => (await fetch(`http://127.0.0.1:${port}/v1.0/healthz`)).status === 204,
      );
    await new Promise((done) => setTimeout(done, 1000));
    return rssBytes([child.pid as number]);
  } finally {
    await stop(child, folder);
  }
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}
