import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { listening } from "#targets/node/listen/listening.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { wireClient } from "#test/support/grpc-client.ts";

const bin = join(import.meta.dirname, "../../../bin/outrigger.mjs");
const node = process.execPath;

interface Run {
  readonly child: ChildProcess;
  readonly pid: number;
  output(): string;
  /** Resolves when the process has ended and nobody holds its stdout and stderr any more. */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}
const runs: Run[] = [];

/** The program itself, with the environment given and no other: no PATH, no HOME. */
function outrigger(
  args: readonly string[],
  options: {
    readonly node?: string;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Run {
  const child = spawn(options.node ?? node, [bin, ...args], {
    env: { ...options.env },
    cwd: options.cwd ?? scratch(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const run: Run = {
    child,
    pid: child.pid as number,
    output: () => output,
    closed: new Promise((resolve) =>
      child.once("close", (code, signal) => resolve({ code, signal })),
    ),
  };
  runs.push(run);
  return run;
}
afterEach(async () => {
  for (const { child, closed } of runs.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await closed;
  }
});

const scratch = (): string => realpathSync(mkdtempSync(join(tmpdir(), "outrigger-process-")));

interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly flags: readonly string[];
}
async function ports(): Promise<Ports> {
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const flags = Object.entries({
    "--dapr-http-port": http,
    "--dapr-grpc-port": grpc,
    "--metrics-port": metrics,
  }).flatMap(([flag, port]) => [flag, String(port)]);
  return { http, grpc, flags };
}

const isHealthy = async (port: number): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/v1.0/healthz`)).status === 204;
const healthy = (port: number): Promise<true> =>
  eventually(async () => (await isHealthy(port)) || undefined, {
    withinMs: 20_000,
    what: "healthz",
  });
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** What one Node makes of it: this one runs the program itself, an older one starts another. */
function starts(program: string): void {
  it("sidecar answers healthz without PATH and HOME, and ends with 0 on SIGTERM and SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { http, flags } = await ports();
      const run = outrigger(["sidecar", "--app-id", "a", ...flags], { node: program });
      await healthy(http);
      run.child.kill("SIGHUP");
      await eventually(() => run.output().includes("Received SIGHUP: reloading resources"));
      run.child.kill(signal);
      expect(await run.closed).toEqual({ code: 0, signal: null });
      expect(run.output()).toContain("dapr initialized. Status: Running. Init Elapsed");
    }
  });

  it("sidecar starts again at once on the same ports after SIGKILL", async () => {
    const { http, flags } = await ports();
    const first = outrigger(["sidecar", "--app-id", "a", ...flags], { node: program });
    await healthy(http);
    first.child.kill("SIGKILL");
    await first.closed;
    await eventually(async () => !(await isHealthy(http).catch(() => false)));
    const second = outrigger(["sidecar", "--app-id", "a", ...flags], { node: program });
    await healthy(http);
    second.child.kill("SIGTERM");
    expect(await second.closed).toEqual({ code: 0, signal: null });
  });

  it("run leaves no app behind when it is killed itself", async () => {
    const script = `process.on("SIGTERM", () => {}); console.log("pid " + process.pid); setInterval(() => {}, 1000)`;
    const run = outrigger(["run", "-a", "a", "--", node, "-e", script], { node: program });
    const pid = await eventually(() => Number(/pid (\d+)/.exec(run.output())?.[1]) || undefined, {
      withinMs: 20_000,
    });
    run.child.kill("SIGKILL");
    await run.closed;
    await eventually(() => !isAlive(pid), { withinMs: 10_000, what: "the app to end" });
  });

  it("a command's exit code and output come through", async () => {
    const version = outrigger(["version"], { node: program });
    expect(await version.closed).toEqual({ code: 0, signal: null });
    expect(version.output()).toMatch(/^outrigger \d/);
    const bad = outrigger(["sidecar", "--app-id", "a.b"], { node: program });
    expect(await bad.closed).toEqual({ code: 1, signal: null });
    expect(bad.output()).toMatch(/level=fatal.*must not contain a dot/);
  });
}

describe("outrigger as a process", () => {
  starts(node);

  it("sidecar ends with 1 and the reason when its port is taken", async () => {
    const { flags } = await ports();
    for (const flag of [
      "--dapr-http-port",
      "--dapr-grpc-port",
      "--dapr-internal-grpc-port",
      "--dapr-public-port",
      "--metrics-port",
    ]) {
      const blocker = createServer();
      const taken = await listening(blocker, { port: 0 });
      const run = outrigger(["sidecar", "--app-id", "a", ...flags, flag, String(taken)]);
      expect(await run.closed).toEqual({ code: 1, signal: null });
      const lines = run.output().split("\n");
      const fatal = lines.find((line) => line.includes("level=fatal"));
      expect(fatal).toContain(`on port ${taken}: the port is already in use`);
      if (process.platform === "linux") expect(fatal).toContain(`(process ${process.pid})`);
      expect(fatal).toContain(`choose another with ${flag}`);
      await new Promise((resolve) => blocker.close(resolve));
    }
  });

  it("several runs that start at once each get ports of their own, the first Dapr's", async () => {
    const program = `console.log("PORTS", process.env.DAPR_HTTP_PORT, process.env.DAPR_GRPC_PORT, process.env.DAPR_METRICS_PORT); setInterval(() => {}, 1000)`;
    const runs = Array.from({ length: 4 }, (_, i) =>
      outrigger(["run", "--app-id", `app-${i}`, "--", process.execPath, "-e", program], {
        cwd: scratch(),
      }),
    );
    const ports = new Set<string>();
    for (const run of runs) {
      await eventually(() => /PORTS (?:\d+ ?){3}\n/.test(run.output()), { withinMs: 25_000 });
      const [, ...found] = /PORTS (\d+) (\d+) (\d+)/.exec(run.output()) ?? [];
      for (const port of found) ports.add(port);
    }
    expect(ports.size).toBe(12);
  });

  it("sidecar ends with 1 and the reason when a component cannot start", async () => {
    const folder = scratch();
    writeFileSync(
      join(folder, "store.yaml"),
      "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: odd }\nspec: { type: state.no-such, version: v1 }\n",
    );
    const run = outrigger([
      "sidecar",
      "--app-id",
      "a",
      "--resources-path",
      folder,
      ...(await ports()).flags,
    ]);
    expect(await run.closed).toEqual({ code: 1, signal: null });
    expect(run.output()).toMatch(/level=fatal .*state\.no-such/);
  });

  it.each([
    ["HTTP", "false", 0],
    ["HTTP", "true", 1],
    ["gRPC", "false", 0],
    ["gRPC", "TRUE", 1],
  ] as const)(
    "sidecar answers a shutdown over %s, then ends; forced (%s), with 1",
    async (over, force, code) => {
      const { http, grpc, flags } = await ports();
      const run = outrigger(["sidecar", "--app-id", "a", ...flags]);
      await healthy(http);
      const headers = { "dapr-force-shutdown": force };
      if (over === "HTTP") {
        const url = `http://127.0.0.1:${http}/v1.0/shutdown`;
        expect((await fetch(url, { method: "POST", headers })).status).toBe(204);
      } else {
        using client = wireClient(grpc);
        expect((await client.unary("Shutdown", {}, { metadata: headers })).code).toBe(0);
      }
      expect(await run.closed).toEqual({ code, signal: null });
    },
  );

  it("run offers state and pub/sub to an app without any file, and ends with its exit code", async () => {
    const script = `
      const base = process.env.DAPR_HTTP_ENDPOINT + "/v1.0";
      const main = async () => {
        await fetch(base + "/state/statestore", { method: "POST", body: JSON.stringify([{ key: "k", value: 5 }]) });
        console.log("state " + await (await fetch(base + "/state/statestore/k")).text());
        console.log("publish " + (await fetch(base + "/publish/pubsub/t", { method: "POST", body: "x" })).status);
        process.exit(9);
      };
      main();`;
    const cwd = scratch();
    const run = outrigger(
      ["run", "--app-id", "a", ...(await ports()).flags, "--", node, "-e", script],
      { cwd },
    );
    expect(await run.closed).toEqual({ code: 9, signal: null });
    expect(run.output()).toContain("\nstate 5\n");
    expect(run.output()).toContain("\npublish 204\n");
    expect(existsSync(join(cwd, ".outrigger/state.db"))).toBe(true);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it(`run ends with 0 on ${signal} and leaves neither process nor open stdout`, async () => {
      const run = outrigger([
        "run",
        "--app-id",
        "a",
        ...(await ports()).flags,
        "--",
        node,
        "-e",
        family,
      ]);
      await eventually(() => familyOf(run).length === 2, { withinMs: 20_000 });
      run.child.kill(signal);
      expect(await run.closed).toEqual({ code: 0, signal: null });
      expect(familyOf(run).filter(isAlive)).toEqual([]);
    });

  it("run -f lets apps of one process call each other", async () => {
    const cwd = scratch();
    for (const id of ["caller", "callee"]) mkdirSync(join(cwd, id));
    const port = await freePort();
    writeFileSync(
      join(cwd, "callee/app.cjs"),
      `require("node:http").createServer((q, s) => s.end(q.url === "/hi" ? "hello" : "{}")).listen(${port}, "127.0.0.1")`,
    );
    writeFileSync(
      join(cwd, "caller/app.cjs"),
      `(async () => { for (;;) {
        const a = await fetch("http://127.0.0.1:" + process.env.DAPR_HTTP_PORT + "/v1.0/invoke/callee/method/hi");
        if (a.status === 200) { console.log("said " + await a.text()); break; }
        await new Promise((done) => setTimeout(done, 50));
      } })()`,
    );
    writeFileSync(
      join(cwd, "dapr.yaml"),
      `version: 1
apps:
  - { appDirPath: caller, command: [${JSON.stringify(node)}, app.cjs] }
  - { appDirPath: callee, appPort: ${port}, command: [${JSON.stringify(node)}, app.cjs] }
`,
    );
    const run = outrigger(["run", "-f", "."], { cwd });
    await eventually(() => run.output().includes("== APP - caller == said hello"), {
      withinMs: 20_000,
    });
    run.child.kill("SIGTERM");
    expect(await run.closed).toEqual({ code: 0, signal: null });
  });
});

/** An app with a child of its own; both print their process id and never end. */
const member = 'console.log("pid " + process.pid); setInterval(() => {}, 1000);';
const family = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(member)}], { stdio: "inherit" }); ${member}`;
const familyOf = (run: Run): number[] =>
  [...run.output().matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));

const olderNode = "/usr/bin/node";
const olderVersion = existsSync(olderNode)
  ? execFileSync(olderNode, ["--version"], { encoding: "utf8" }).trim()
  : undefined;
const major = Number(/^v(\d+)/.exec(olderVersion ?? "")?.[1]);
const usable = major >= 18 && major < 24;
const why = usable
  ? ""
  : ` (skipped: ${olderNode} is ${olderVersion ?? "not there"}, not an older Node)`;

describe.skipIf(!usable)(`outrigger under an older Node${why}`, () => {
  starts(olderNode);

  it("run ends its apps when the wrapper dies by SIGKILL", async () => {
    const run = outrigger(
      ["run", "--app-id", "a", ...(await ports()).flags, "--", node, "-e", family],
      {
        node: olderNode,
      },
    );
    await eventually(() => familyOf(run).length === 2, { withinMs: 20_000 });
    run.child.kill("SIGKILL");
    // Nobody holds the output any more: the runtime has ended too.
    expect(await run.closed).toEqual({ code: null, signal: "SIGKILL" });
    await eventually(() => !familyOf(run).some(isAlive));
  });

  it("run tells its apps nothing of the wrapper", async () => {
    const script =
      'console.log("env " + process.env.OUTRIGGER_WRAPPED + process.env.NODE_CHANNEL_FD)';
    const run = outrigger(
      ["run", "--app-id", "a", ...(await ports()).flags, "--", node, "-e", script],
      {
        node: olderNode,
      },
    );
    expect(await run.closed).toEqual({ code: 0, signal: null });
    expect(run.output()).toContain("env undefinedundefined");
  });

  it("Ctrl-C, which reaches wrapper and runtime both, ends with 0", async () => {
    const { http, flags } = await ports();
    const child = spawn(olderNode, [bin, "sidecar", "--app-id", "a", ...flags], {
      env: {},
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.stdout.resume();
    await healthy(http);
    process.kill(-(child.pid as number), "SIGINT");
    expect(await closed).toBe(0);
  });
});
