import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { listens } from "./services.ts";

/** A server of the test's own, which it may kill; its data stays. */
export interface DatabaseServer {
  readonly port: number;
  /** Ends it at once, as a loss of power does; `start` brings it back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const postgresBin = globSync("/usr/lib/postgresql/*/bin").at(-1) ?? "";
/** False where the server is not installed. The same of the next. */
export const hasPostgresServer: boolean = postgresBin !== "";
export const hasMariadbServer: boolean = spawnSync("mariadbd", ["--version"]).status === 0;

/** PostgreSQL does not run as root. */
function postgresUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** As user postgres without a password. */
export async function postgresServer(): Promise<DatabaseServer> {
  const user = postgresUser();
  const directory = mkdtempSync(join(tmpdir(), "outrigger-postgresql-"));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const initdb = ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"];
  execFileSync(join(postgresBin, "initdb"), initdb, { stdio: "ignore", cwd: directory, ...user });
  return serverOf(directory, (port) => {
    const args = ["-D", data, "-p", String(port), "-k", directory];
    const listen = ["-c", "listen_addresses=127.0.0.1"];
    return spawn(join(postgresBin, "postgres"), [...args, ...listen], {
      stdio: "ignore",
      detached: true,
      cwd: directory,
      ...user,
    });
  });
}

/** As user root without a password. */
export async function mariadbServer(): Promise<DatabaseServer> {
  const directory = mkdtempSync(join(tmpdir(), "outrigger-mariadb-"));
  const data = join(directory, "data");
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const common = ["--no-defaults", ...user, `--datadir=${data}`];
  execFileSync(
    "mariadb-install-db",
    [...common, "--auth-root-authentication-method=normal", "--skip-test-db"],
    { stdio: "ignore" },
  );
  return serverOf(directory, (port) =>
    spawn(
      "mariadbd",
      [
        ...common,
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        `--socket=${join(directory, "s")}`,
        `--pid-file=${join(directory, "p")}`,
      ],
      { stdio: "ignore", detached: true },
    ),
  );
}

async function serverOf(
  directory: string,
  run: (port: number) => ChildProcess,
): Promise<DatabaseServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = run(port);
    const listening = (): Promise<boolean> => listens({ host: "127.0.0.1", port });
    await eventually(listening, { withinMs: 30_000, what: "the server to listen" });
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    child = undefined;
    if (!dying?.pid || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once("exit", resolve));
    // With the processes of its connections, which would keep the data busy.
    process.kill(-dying.pid, "SIGKILL");
    await gone;
  };
  await start();
  return {
    port,
    kill,
    start,
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
