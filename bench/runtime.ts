import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "./options.ts";
import { rssBytes, withChildren } from "./process.ts";

const root = join(import.meta.dirname, "..");
export const bin = join(root, "bin/outrigger.mjs");

export interface Running {
  readonly base: string;
  /** `host:port` of the gRPC API. */
  readonly grpc: string;
  readonly pids: readonly number[];
  readonly startMs: number;
  stop(): Promise<void>;
}
/** What a start needs to leave nothing behind, however the bench ends. */
export interface Life {
  readonly after: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

/** So many ports at once, so that no two are the same. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) await new Promise((done) => server.close(done));
  return ports;
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
export async function untilUp(
  what: string,
  child: ChildProcess,
  { signal }: Life,
  ask: () => Promise<boolean>,
): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    signal.throwIfAborted();
    if (hasEnded(child))
      throw new Error(`${what} ended before it was up, with ${child.exitCode ?? child.signalCode}`);
    if (await ask().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 2));
  }
  throw new Error(`${what} did not come up within 30 s`);
}
export const isHealthy = async (base: string): Promise<boolean> =>
  (await fetch(`${base}/v1.0/healthz`, { signal: AbortSignal.timeout(5000) })).status === 204;

/** The app behind the runtime: in Go, so that it is not the limit; in Node where there is no Go. */
export async function startBackend(
  life: Life,
  actorType?: string,
): Promise<{ readonly port: number; readonly language: string }> {
  const [port = 0] = await freePorts(1);
  const cache = join(root, ".outrigger/bench");
  mkdirSync(cache, { recursive: true });
  const binary = join(cache, "backend");
  let language = "Go";
  try {
    const folder = join(import.meta.dirname, "backend");
    const files = ["main.go", "fires.go"].map((name) => join(folder, name));
    execFileSync("go", ["build", "-o", binary, ...files], { stdio: "pipe" });
  } catch {
    language = "Node (no Go here: the backend may be the limit)";
  }
  const server =
    "require('http').createServer((q, r) => { r.writeHead(q.url.startsWith('/dapr/') ? 404 : 200, { 'content-type': 'text/plain' }); r.end('hello') }).listen(+process.argv[1], '127.0.0.1')";
  const child =
    language === "Go"
      ? spawn(binary, [String(port), ...(actorType === undefined ? [] : [actorType])], {
          stdio: "inherit",
        })
      : spawn(process.execPath, ["-e", server, String(port)], { stdio: "inherit" });
  life.after.defer(() => end(child));
  await untilUp("The backend", child, life, () => listens(port));
  return { port, language };
}

/** See floor.ts; a process of its own, as the runtime is. */
export async function startFloor(
  backendPort: number,
  life: Life,
): Promise<{ readonly http: Target; readonly proxy: Target }> {
  const [port = 0, proxyPort = 0] = await freePorts(2);
  const program = join(import.meta.dirname, "floor.ts");
  const ports = [port, proxyPort, backendPort].map(String);
  const child = spawn(process.execPath, [program, ...ports], { stdio: "inherit", env: {} });
  life.after.defer(() => end(child));
  await untilUp("The floor", child, life, () => listens(proxyPort));
  const pids = [child.pid as number];
  return {
    http: { base: `http://127.0.0.1:${port}`, pids },
    proxy: { base: `http://127.0.0.1:${proxyPort}`, pids },
  };
}

/** `outrigger sidecar` as a user starts it, in a folder of its own. */
export async function startRuntime(
  options: {
    readonly appPort?: number;
    readonly appProtocol?: "http" | "grpc";
    readonly resources: readonly string[];
    readonly args?: readonly string[];
  },
  life: Life,
): Promise<Running> {
  const folder = folderWith(options.resources, life);
  const [port = 0, grpcPort = 0, ...others] = await freePorts(4);
  const args = ["sidecar", "--app-id", "bench", "--log-level", "error"];
  args.push("--dapr-http-port", String(port), "--dapr-grpc-port", String(grpcPort));
  args.push(...(options.args ?? []), "--app-protocol", options.appProtocol ?? "http");
  for (const flag of ["--metrics-port", "--dapr-internal-grpc-port"])
    args.push(flag, String(others.pop()));
  if (options.appPort !== undefined) args.push("--app-port", String(options.appPort));
  if (options.resources.length > 0) args.push("--resources-path", "resources");
  const before = performance.now();
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    // It needs nothing of the caller's environment, and gets nothing; nor does it use the caller's database of jobs.
    env: { XDG_STATE_HOME: join(root, ".outrigger/bench/state") },
  });
  life.after.defer(() => end(child));
  const base = `http://127.0.0.1:${port}`;
  await untilUp("The runtime", child, life, () => isHealthy(base));
  const startMs = performance.now() - before;
  return {
    base,
    grpc: `127.0.0.1:${grpcPort}`,
    pids: withChildren([child.pid as number]),
    startMs,
    stop: () => end(child),
  };
}

/** Memory of one process that hosts so many apps, each with the same components, in bytes. */
export async function rssOfApps(count: number, life: Life): Promise<number> {
  const folder = folderWith(["components.yaml"], life);
  // For each app its own three: the API in HTTP and gRPC, and the metrics.
  const ports = await freePorts(count * 3);
  const apps = Array.from({ length: count }, (_, i) => ({
    appID: `app-${i}`,
    appDirPath: ".",
    daprHTTPPort: ports[i * 3],
    daprGRPCPort: ports[i * 3 + 1],
    metricsPort: ports[i * 3 + 2],
    command: ["sleep", "120"],
  }));
  writeFileSync(
    join(folder, "dapr.yaml"),
    JSON.stringify({ version: 1, common: { resourcesPath: "./resources" }, apps }),
  );
  const child = spawn(process.execPath, [bin, "run", "-f", "dapr.yaml"], {
    cwd: folder,
    stdio: "ignore",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
  });
  life.after.defer(() => end(child));
  for (const { appID, daprHTTPPort } of apps)
    await untilUp(`The API of ${appID}`, child, life, () =>
      isHealthy(`http://127.0.0.1:${daprHTTPPort}`),
    );
  await new Promise((done) => setTimeout(done, 3000));
  // Of the runtime alone: the apps are its children.
  const rss = rssBytes([child.pid as number]);
  await end(child);
  return rss;
}

function folderWith(resources: readonly string[], { after }: Life): string {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  after.defer(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of resources)
    cpSync(join(import.meta.dirname, "resources", name), join(folder, "resources", name), {
      recursive: true,
    });
  return folder;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
export async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(timer);
}
