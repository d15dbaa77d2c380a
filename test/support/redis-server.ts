import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { listens } from "./services.ts";

/** A server of the test's own, which it may stop and break. */
export interface RedisServerProcess {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  cli(...args: readonly string[]): Promise<string>;
  /** Ends it at once; `start` brings it back on the same port, without its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** The process stands still: it takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** False where the server is not installed. */
export const hasRedisServer: boolean = spawnSync("redis-server", ["--version"]).status === 0;

/** One command, by the command line client. */
export async function redisCli(
  { host, port }: { readonly host: string; readonly port: number },
  ...args: readonly string[]
): Promise<string> {
  const { stdout } = await promisify(execFile)("redis-cli", [
    "-h",
    host,
    "-p",
    String(port),
    ...args,
  ]);
  return stdout.trimEnd();
}

/** Starts `redis-server` on a free port, with these lines of configuration. */
export async function redisServer(
  config: readonly string[] = [],
  {
    sentinel = false,
    host = "127.0.0.1",
  }: { readonly sentinel?: boolean; readonly host?: string } = {},
): Promise<RedisServerProcess> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "outrigger-redis-"));
  const file = join(directory, "redis.conf");
  const common = sentinel ? [] : ['save ""', "appendonly no", "repl-diskless-sync-delay 0"];
  writeFileSync(
    file,
    [`port ${port}`, `bind ${host}`, `dir ${directory}`, ...common, ...config, ""].join("\n"),
  );
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn("redis-server", sentinel ? [file, "--sentinel"] : [file], { stdio: "ignore" });
    await eventually(() => listens({ host, port }), { what: "redis-server to listen" });
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    child = undefined;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once("exit", resolve));
    dying.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    host,
    port,
    address: `${host}:${port}`,
    cli: (...args) => redisCli({ host, port }, ...args),
    kill,
    start,
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
