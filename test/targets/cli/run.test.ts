import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "#targets/cli/commands.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { fakeCli, fakeRuntime, type FakeCli } from "./fake-cli.ts";

const node = process.execPath;
const scratch = (): string => realpathSync(mkdtempSync(join(tmpdir(), "outrigger-run-")));
const started: FakeCli[] = [];
/** A command whose processes end with the test, whatever happens to it. */
const cliFor = (...args: Parameters<typeof fakeCli>): FakeCli => {
  const shell = fakeCli(...args);
  started.push(shell);
  return shell;
};
afterEach(() => {
  for (const shell of started.splice(0)) shell.runExit();
});

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const untilEnd = "setInterval(() => {}, 1000)";

describe("run", () => {
  it("gives the app Dapr's environment over the caller's, and ends with its exit code", async () => {
    const runtime = fakeRuntime();
    const [appPort, http, grpc, metrics] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const names =
      "APP_ID APP_PORT APP_PROTOCOL DAPR_HTTP_PORT DAPR_GRPC_PORT DAPR_METRICS_PORT DAPR_HTTP_ENDPOINT DAPR_GRPC_ENDPOINT DAPR_API_TOKEN MINE";
    const shell = cliFor({
      start: runtime.start,
      cwd: scratch(),
      env: { MINE: "kept", APP_ID: "wrong" },
    });
    const code = await runCommand(
      [
        "run",
        "-a",
        "shop",
        "-p",
        String(appPort),
        "-H",
        String(http),
        "-G",
        String(grpc),
        "-M",
        String(metrics),
        "--",
        node,
        "-e",
        `for (const name of "${names}".split(" ")) console.log(name + "=" + process.env[name]); process.exit(7)`,
      ],
      shell.cli,
    );
    expect(code).toBe(7);
    const seen = shell.out().match(/^\w+=.*$/gm);
    expect(seen).toEqual([
      "APP_ID=shop",
      `APP_PORT=${appPort}`,
      "APP_PROTOCOL=http",
      `DAPR_HTTP_PORT=${http}`,
      `DAPR_GRPC_PORT=${grpc}`,
      `DAPR_METRICS_PORT=${metrics}`,
      `DAPR_HTTP_ENDPOINT=http://127.0.0.1:${http}`,
      `DAPR_GRPC_ENDPOINT=http://127.0.0.1:${grpc}`,
      "DAPR_API_TOKEN=undefined",
      "MINE=kept",
    ]);
    expect(runtime.stops).toBe(1);
    expect(runtime.options?.apps[0]?.extended).toMatchObject({ cliPID: String(process.pid) });
    expect(shell.listeners).toBe(0);
  });

  it("starts the runtime before the app", async () => {
    const order: string[] = [];
    const runtime = fakeRuntime({ starting: async () => void order.push(shell.out()) });
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    await runCommand(["run", "-a", "a", "--", node, "-e", "console.log('up')"], shell.cli);
    expect(order).toHaveLength(1);
    expect(order[0]).not.toContain("up");
    expect(shell.out()).toContain("\nup\n");
  });

  const pieces = `
    process.stdout.write("on"); process.stdout.write("e\\r\\n\\ntw");
    setTimeout(() => { process.stdout.write(Buffer.from([0x6f, 0xc3])); }, 20);
    setTimeout(() => { process.stdout.write(Buffer.from([0xb6])); process.stderr.write("wrong\\n"); }, 40);`;
  it("leaves the output of an app that runs alone as it is, stderr apart", async () => {
    const shell = cliFor({ cwd: scratch() });
    expect(await runCommand(["run", "-a", "a", "--", node, "-e", pieces], shell.cli)).toBe(0);
    expect(shell.out()).toContain("\none\n\ntwoö\n");
    expect(shell.out()).not.toContain("wrong");
    expect(shell.err()).toBe("wrong\n");
  });

  it.each([
    [false, "== APP - a =="],
    [true, "\u001B[36m== APP - a ==\u001B[0m"],
  ])(
    "prefixes whole lines of a run file's apps, also of pieces, of stderr, of a last line without its end and of letters cut in two (colours: %s)",
    async (colour, title) => {
      const cwd = scratch();
      writeFileSync(join(cwd, "pieces.cjs"), pieces);
      const command = JSON.stringify([node, join(cwd, "pieces.cjs")]);
      writeFileSync(
        join(cwd, "dapr.yaml"),
        `version: 1\napps: [{ appID: a, appDirPath: ., command: ${command} }]`,
      );
      const shell = cliFor({ cwd, colour });
      expect(await runCommand(["run", "-f", "dapr.yaml"], shell.cli)).toBe(0);
      const lines = shell
        .out()
        .split("\n")
        .filter((line) => line.includes("== APP"));
      expect(lines.toSorted()).toEqual(
        ["", "one", "twoö", "wrong"].map((line) => `${title} ${line}`),
      );
    },
  );

  it("takes free ports instead of Dapr's that are taken, and says so", async () => {
    const runtime = fakeRuntime({ taken: new Set([3500]) });
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    expect(await runCommand(["run", "--", node, "-e", ""], shell.cli)).toBe(0);
    const [app] = runtime.options?.apps ?? [];
    expect(app?.httpPort).toEqual({ prefer: 3500, avoid: new Set() });
    const port = runtime.ports.get(app?.appId ?? "")?.httpPort;
    expect(port).not.toBe(3500);
    expect(shell.out()).toContain(`Port 3500 is in use; the HTTP API is on port ${port}`);
    expect(shell.out()).not.toContain("Port 50001");
    expect(app?.appId).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  });

  it("offers built-in resources where nothing else is, and those of dapr init where they are", async () => {
    const cwd = scratch();
    const builtIn = fakeRuntime();
    await runCommand(
      ["run", "-a", "a", "--", node, "-e", ""],
      cliFor({ start: builtIn.start, cwd }).cli,
    );
    const [app] = builtIn.options?.apps ?? [];
    expect(app?.resourcesPaths).toEqual([]);
    expect(app?.inlineResources?.[0]?.text).toContain(
      `value: "${join(cwd, ".outrigger/state.db")}"`,
    );
    expect(app?.inlineResources?.[0]?.text).toContain(
      `value: "${join(cwd, ".outrigger/pubsub.db")}"`,
    );
    expect(existsSync(join(cwd, ".outrigger"))).toBe(true);

    mkdirSync(join(cwd, ".dapr/components"), { recursive: true });
    writeFileSync(join(cwd, ".dapr/config.yaml"), "");
    const fromHome = fakeRuntime();
    const env = { HOME: cwd };
    await runCommand(
      ["run", "-a", "a", "--", node, "-e", ""],
      cliFor({ start: fromHome.start, cwd, env }).cli,
    );
    expect(fromHome.options?.apps[0]).toMatchObject({
      resourcesPaths: [join(cwd, ".dapr/components")],
      configPaths: [join(cwd, ".dapr/config.yaml")],
    });
    expect(fromHome.options?.apps[0]).not.toHaveProperty("inlineResources");
  });

  it("keeps the built-in broker in a folder of the user's, which nobody else can read", async () => {
    const home = scratch();
    const brokerFor = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const runtime = fakeRuntime();
      const shell = cliFor({ start: runtime.start, cwd: scratch(), env });
      await runCommand(["run", "-a", "a", "--", node, "-e", ""], shell.cli);
      return runtime.options?.apps[0]?.inlineResources?.[0]?.text ?? "";
    };
    mkdirSync(join(home, ".outrigger"), { mode: 0o755 });
    expect(await brokerFor({ HOME: home })).toContain(`"${home}/.outrigger/pubsub.db"`);
    expect(statSync(join(home, ".outrigger")).mode & 0o777).toBe(0o700);
    const state = join(home, "state");
    expect(await brokerFor({ HOME: home, XDG_STATE_HOME: state })).toContain(
      `"${state}/outrigger/pubsub.db"`,
    );
    expect(statSync(join(state, "outrigger")).mode & 0o777).toBe(0o700);
    expect(await brokerFor({ HOME: home, XDG_STATE_HOME: "relative" })).toContain(home);
    // A home that cannot be written to: beside the app.
    writeFileSync(join(home, "file"), "");
    expect(await brokerFor({ HOME: join(home, "file") })).not.toContain(home);
  });

  it("leaves flags after the command to the command", async () => {
    const shell = cliFor({ cwd: scratch() });
    await runCommand(["run", "-a", "a", node, "-p", "1 + 1"], shell.cli);
    expect(shell.out()).toContain("\n2\n");
  });

  it("ends with 127 when there is no such program, and stops the runtime", async () => {
    const runtime = fakeRuntime();
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    expect(await runCommand(["run", "-a", "a", "--", "/no/such/program"], shell.cli)).toBe(127);
    expect(shell.err()).toContain(
      'Cannot start "/no/such/program": the program or its working folder does not exist',
    );
    expect(runtime.stops).toBe(1);
  });

  it("ends with 128 and the signal's number when the app is killed", async () => {
    const shell = cliFor({ cwd: scratch() });
    const code = await runCommand(
      ["run", "-a", "a", "--", node, "-e", "process.kill(process.pid, 'SIGKILL')"],
      shell.cli,
    );
    expect(code).toBe(137);
  });

  it("ends the app and what the app has started on SIGINT, then the runtime, with 0", async () => {
    const runtime = fakeRuntime({
      stopping: async () => void (aliveAtStop = pids().some(isAlive)),
    });
    let aliveAtStop: boolean | undefined;
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    const pids = (): number[] =>
      [...shell.out().matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    const child = `console.log("pid " + process.pid); ${untilEnd}`;
    const script = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); ${child}`;
    const code = runCommand(["run", "-a", "a", "--", node, "-e", script], shell.cli);
    await eventually(() => pids().length === 2);
    shell.signal("SIGINT");
    expect(await code).toBe(0);
    expect(aliveAtStop).toBe(false);
  });

  it("ends what an app leaves running when it ends by itself, and does not wait for its output", async () => {
    const shell = cliFor({ cwd: scratch() });
    const child = `console.log("pid " + process.pid); ${untilEnd}`;
    const script = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }).unref(); setTimeout(() => process.exit(3), 300)`;
    expect(await runCommand(["run", "-a", "a", "--", node, "-e", script], shell.cli)).toBe(3);
    const pid = Number(/pid (\d+)/.exec(shell.out())?.[1]);
    await eventually(() => !isAlive(pid));
  });

  it("kills an app that will not end", async () => {
    const { startProcess } = await import("#targets/cli/app-process.ts");
    const lines: string[] = [];
    const app = startProcess({
      command: [
        node,
        "-e",
        `process.on("SIGTERM", () => console.log("no")); console.log("up"); ${untilEnd}`,
      ],
      cwd: scratch(),
      env: {},
      stdin: "ignore",
      output: "lines",
      onLine: (line) => void lines.push(line),
    });
    await eventually(() => lines.includes("up"));
    await app.stop(200);
    expect(await app.exited).toBe(137);
    expect(lines).toEqual(["up", "no"]);
  });

  it("kills every app when its own process ends in another way", async () => {
    const shell = cliFor({ cwd: scratch() });
    const code = runCommand(
      ["run", "-a", "a", "--", node, "-e", `console.log("up"); ${untilEnd}`],
      shell.cli,
    );
    await eventually(() => /^up$/m.test(shell.out()));
    shell.runExit();
    expect(await code).toBe(137);
  });

  it("ends with 1 and the reason when the runtime cannot start, without starting the app", async () => {
    const runtime = fakeRuntime({ starting: () => Promise.reject(new Error("No such store")) });
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    expect(
      await runCommand(["run", "-a", "a", "--", node, "-e", "console.log('up')"], shell.cli),
    ).toBe(1);
    expect(shell.out()).toMatch(/level=fatal msg="Fatal error from runtime: No such store"/);
    expect(shell.out()).not.toMatch(/^up$/m);
  });

  it("stops the app and ends with 0 when the API asks for its shutdown", async () => {
    const runtime = fakeRuntime();
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    const code = runCommand(
      ["run", "-a", "a", "--", node, "-e", `console.log("up"); ${untilEnd}`],
      shell.cli,
    );
    await eventually(() => /^up$/m.test(shell.out()));
    runtime.options?.shutdown("a", false);
    expect(await code).toBe(0);
  });

  it("serves the API alone without a command, until it is told to end", async () => {
    const runtime = fakeRuntime();
    const shell = cliFor({ start: runtime.start, cwd: scratch() });
    const code = runCommand(["run", "-a", "a"], shell.cli);
    await eventually(() => shell.out().includes("only the API is served"));
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(runtime.stops).toBe(1);
  });

  for (const [what, args, message] of [
    [
      "an unknown flag",
      ["--app-prt", "1"],
      /Unknown flag --app-prt; did you mean "app-port"\?[^]*Usage/,
    ],
    ["a bad value", ["-p", "x"], /Invalid value "x" for --app-port/],
    ["an app id with a dot", ["-a", "a.b"], /must not contain a dot/],
    ["Kubernetes", ["-k"], /--kubernetes is not supported/],
    ["a run file that is not there", ["-f", "/no/dapr.yaml"], /No run file/],
    [
      "the same port twice",
      ["-a", "a", "-p", "4000", "-H", "4000", "--", node],
      /Port 4000 is set for both the app and its HTTP API/,
    ],
  ] as const)
    it(`refuses ${what}`, async () => {
      const runtime = fakeRuntime();
      const shell = cliFor({ start: runtime.start, cwd: scratch() });
      expect(await runCommand(["run", ...args], shell.cli)).toBe(1);
      expect(shell.err() + shell.out()).toMatch(message);
      expect(runtime.options).toBeUndefined();
    });
});

describe("run --run-file", () => {
  const folder = (
    apps: Readonly<Record<string, { readonly script: string; readonly more?: string }>>,
  ): string => {
    const dir = scratch();
    let text = "version: 1\napps:\n";
    for (const [id, { script, more = "" }] of Object.entries(apps)) {
      mkdirSync(join(dir, id));
      writeFileSync(join(dir, id, "app.cjs"), script);
      text += `  - { appDirPath: ${id}, command: [${JSON.stringify(node)}, app.cjs]${more} }\n`;
    }
    writeFileSync(join(dir, "dapr.yaml"), text);
    return dir;
  };

  it("runs all apps in one runtime, each in its folder with its own ports, and ends when all have ended", async () => {
    const runtime = fakeRuntime();
    const script =
      "console.log([process.cwd(), process.env.APP_ID, process.env.DAPR_HTTP_PORT, process.env.X].join())";
    const cwd = folder({ one: { script, more: ", env: { X: 1 }" }, two: { script } });
    const shell = cliFor({ start: runtime.start, cwd });
    expect(await runCommand(["run", "-f", "."], shell.cli)).toBe(0);
    const apps = runtime.options?.apps ?? [];
    expect(apps.map(({ appId }) => appId)).toEqual(["one", "two"]);
    expect(runtime.options?.failOnComponentError).toBe(false);
    for (const { httpPort, grpcPort, metricsPort } of apps)
      expect([httpPort, grpcPort, metricsPort]).toEqual(
        Array(3).fill({ prefer: 0, avoid: new Set() }),
      );
    const portOf = (appId: string): number | undefined => runtime.ports.get(appId)?.httpPort;
    const ports = [...runtime.ports.values()].flatMap(({ httpPort, grpcPort, metricsPort }) => [
      httpPort,
      grpcPort,
      metricsPort,
    ]);
    expect(new Set(ports).size).toBe(6);
    expect(shell.out()).toContain(`== APP - one == ${join(cwd, "one")},one,${portOf("one")},1\n`);
    expect(shell.out()).toContain(`== APP - two == ${join(cwd, "two")},two,${portOf("two")},\n`);
    expect(runtime.stops).toBe(1);
  });

  it("runs on when one app ends, and ends with the code of the one that failed", async () => {
    const cwd = folder({
      bad: { script: "process.exit(4)" },
      good: {
        script: `console.log("up"); process.on("message", () => {}); setTimeout(() => console.log("done"), 400)`,
      },
    });
    const shell = cliFor({ cwd });
    expect(await runCommand(["run", "-f", "dapr.yaml"], shell.cli)).toBe(4);
    expect(shell.out()).toContain('App "bad" exited with code 4');
    expect(shell.out()).toContain("== APP - good == done");
  });

  it("stops only the app that the API asks to shut down", async () => {
    const runtime = fakeRuntime();
    const script = `console.log("up"); ${untilEnd}`;
    const shell = cliFor({
      start: runtime.start,
      cwd: folder({ one: { script }, two: { script } }),
    });
    const code = runCommand(["run", "-f", "."], shell.cli);
    await eventually(() => shell.out().match(/== up/g)?.length === 2);
    runtime.options?.shutdown("one", false);
    await eventually(() => shell.out().includes('App "one" ended'));
    expect(shell.out()).not.toContain('App "two" ended');
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(shell.out()).toContain('App "two" ended');
  });

  it("writes logs to files below .dapr/logs as each app asks for", async () => {
    const runtime = fakeRuntime({
      starting: async () => {
        runtime.options?.log.info("quiet line");
        runtime.options?.log.error("loud line");
      },
    });
    const script = "console.log('hello')";
    const cwd = folder({
      both: { script },
      hidden: { script, more: ", appLogDestination: file" },
      shown: { script, more: ", appLogDestination: console" },
    });
    const shell = cliFor({ start: runtime.start, cwd });
    expect(await runCommand(["run", "-f", "."], shell.cli)).toBe(0);
    expect(
      shell
        .out()
        .match(/== APP - \w+ == hello/g)
        ?.toSorted(),
    ).toEqual(["== APP - both == hello", "== APP - shown == hello"]);
    const logs = (id: string): Record<string, string> =>
      Object.fromEntries(
        readdirSync(join(cwd, id, ".dapr/logs")).map((name) => [
          name.replace(/\d{14}/, "T"),
          readFileSync(join(cwd, id, ".dapr/logs", name), "utf8"),
        ]),
      );
    expect(logs("both")["both_app_T.log"]).toBe("hello\n");
    expect(logs("hidden")["hidden_app_T.log"]).toBe("hello\n");
    expect(logs("shown")["shown_app_T.log"]).toBeUndefined();
    expect(logs("shown")["shown_daprd_T.log"]).toMatch(/quiet line[^]*loud line/);
    // A file that nobody asked for must not hide what is wrong.
    expect(shell.out()).toContain("loud line");
    expect(shell.out()).not.toContain("quiet line");
  });

  it("refuses two apps with the same port", async () => {
    const cwd = folder({
      one: { script: "", more: ", daprHTTPPort: 4100" },
      two: { script: "", more: ", daprGRPCPort: 4100" },
    });
    const shell = cliFor({ cwd });
    expect(await runCommand(["run", "-f", "."], shell.cli)).toBe(1);
    expect(shell.out()).toMatch(
      /Port 4100 is set for both the HTTP API of \\"one\\" and the gRPC API of \\"two\\"/,
    );
  });

  it("says which flags it ignores", async () => {
    const cwd = folder({ one: { script: "" } });
    const shell = cliFor({ cwd });
    expect(await runCommand(["run", "-f", ".", "--app-id", "x", "--log-as-json"], shell.cli)).toBe(
      0,
    );
    expect(shell.err()).toMatch(/^Ignoring --app-id: with --run-file/);
  });
});
