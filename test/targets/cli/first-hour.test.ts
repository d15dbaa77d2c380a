import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "#targets/cli/commands.ts";
import { onceForAll } from "#targets/cli/once-for-all.ts";
import { packageVersion } from "#targets/cli/version.ts";
import type { NodeOptions, StartEvent, StartNode } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { appServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeCli, type FakeCli, fakeRuntime } from "./fake-cli.ts";

const node = process.execPath;
const untilEnd = "setInterval(() => {}, 1000)";
const scratch = (): string => realpathSync(mkdtempSync(join(tmpdir(), "outrigger-hour-")));
const started: FakeCli[] = [];
const cliFor = (...args: Parameters<typeof fakeCli>): FakeCli => {
  const shell = fakeCli(...args);
  started.push(shell);
  return shell;
};
afterEach(() => {
  for (const shell of started.splice(0)) shell.runExit();
});

/** A runtime that tells of these events once it is up. */
const telling = (...events: readonly StartEvent[]): StartNode => {
  const { start } = fakeRuntime();
  return async (options: NodeOptions) => {
    const runtime = await start(options);
    setImmediate(() => events.forEach((event) => options.heard?.(event)));
    return runtime;
  };
};
const events: readonly StartEvent[] = [
  { appId: "a", kind: "waiting", port: 3999, seconds: 0 },
  { appId: "a", kind: "waiting", port: 3999, seconds: 10 },
  { appId: "a", kind: "listening", port: 3999 },
  {
    appId: "a",
    kind: "ready",
    components: [{ name: "store", type: "state.redis" }],
    failed: ["other"],
    subscriptions: [{ pubsubname: "pubsub", topic: "orders" }],
  },
];

describe("what a start says", () => {
  it("run tells what it waits for, when it is there, and what is ready", async () => {
    const shell = cliFor({ start: telling(...events), cwd: scratch() });
    const code = runCommand(
      ["run", "-a", "a", "-H", "3501", "-G", "3502", "--", node, "-e", untilEnd],
      shell.cli,
    );
    await eventually(() => shell.out().includes("is ready"));
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(shell.out()).toBe(
      [
        "Starting Dapr with id a. HTTP Port: 3501. gRPC Port: 3502",
        "You're up and running! Both Dapr and your app logs will appear here.",
        'Waiting for app "a" on port 3999',
        'Still waiting for app "a" on port 3999 after 10 s: it is not called until it listens there (--app-port)',
        'App "a" is listening on port 3999',
        'App "a" is ready',
        "    HTTP API       http://127.0.0.1:3501",
        "    gRPC API       127.0.0.1:3502",
        "    components     store (state.redis)",
        "    not started    other",
        "    subscriptions  orders on pubsub",
        'App "a" ended',
        "Exited App successfully",
        "Exited Dapr successfully",
        "",
      ].join("\n"),
    );
  });

  it("sidecar tells the same in its log", async () => {
    const shell = cliFor({ start: telling(...events) });
    const code = runCommand(
      ["sidecar", "--app-id", "a", "--dapr-http-port", "3501", "--dapr-grpc-port", "3502"],
      shell.cli,
    );
    await eventually(() => shell.out().includes("is ready"));
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
    const said = [...shell.out().matchAll(/level=info msg="(.*?)" app_id=a/g)].map(
      ([, text]) => text,
    );
    expect(said).toContain('Waiting for app \\"a\\" on port 3999');
    expect(said).toContain(
      'App \\"a\\" is ready: HTTP API http://127.0.0.1:3501; gRPC API 127.0.0.1:3502; components store (state.redis); not started other; subscriptions orders on pubsub',
    );
  });

  it("the runtime tells of an app's port and of what its start came to", async () => {
    const heard: StartEvent[] = [];
    await using app = await appServer();
    const shell = cliFor({
      start: (options) =>
        startNode({
          ...options,
          heard: (event) => {
            heard.push(event);
            options.heard?.(event);
          },
        }),
      cwd: scratch(),
    });
    const code = runCommand(["run", "-a", "a", "-p", String(app.port)], shell.cli);
    await eventually(() => heard.some(({ kind }) => kind === "ready"));
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(heard).toMatchObject([
      { appId: "a", kind: "listening", port: app.port },
      {
        appId: "a",
        kind: "ready",
        components: [{ name: "statestore" }, { name: "pubsub" }],
        failed: [],
        subscriptions: [{ pubsubname: "pubsub", topic: "orders" }],
      },
    ]);
  });

  it("with Unix sockets no port is spoken of, neither to the user nor to the app", async () => {
    const cwd = scratch();
    const shell = cliFor({ start: startNode, cwd, env: { DAPR_HTTP_PORT: "1" } });
    const print = `for (const name in process.env) if (/^DAPR_/.test(name)) console.log(name + "=" + process.env[name])`;
    await runCommand(["run", "-a", "a", "-u", cwd, "--", node, "-e", print], shell.cli);
    expect(shell.out()).toContain(
      `Starting Dapr with id a. HTTP API: unix:${cwd}/dapr-a-http.socket. gRPC API: unix:${cwd}/dapr-a-grpc.socket\n`,
    );
    expect(shell.out()).not.toMatch(/port \d|127\.0\.0\.1/);
    const env = shell.out().match(/^DAPR_\w+=.*$/gm) ?? [];
    expect(env.filter((line) => !line.startsWith("DAPR_METRICS_PORT="))).toEqual([
      `DAPR_GRPC_ENDPOINT=unix:${cwd}/dapr-a-grpc.socket`,
    ]);
  });

  it("--log-level debug says what is read, opened, asked and closed", async () => {
    const shell = cliFor({ start: startNode, cwd: scratch() });
    await runCommand(["run", "-a", "a", "--log-level", "debug", "--", node, "-e", ""], shell.cli);
    for (const text of [
      "Read Component statestore, Component pubsub",
      "Opening component statestore (state.sqlite/v1) of built-in resources (document 1)",
      "Component statestore took",
      "The API answers",
      "The apps are no longer called",
    ])
      expect(shell.out()).toContain(`level=debug msg="${text}`);
  });
});

describe("mistakes", () => {
  it("a Configuration or a folder that is not there is named in words", async () => {
    for (const [args, words] of [
      [
        ["-c", "no.yaml"],
        /Cannot read the Configuration \\"\/.*\/no\.yaml\\": there is no such file/,
      ],
      [["-c", "."], /Cannot read the Configuration .*: it is a folder, not a file/],
      [["-d", "no"], /Cannot read resources from \\"\/.*\/no\\": there is no such file or folder/],
    ] as const) {
      const shell = cliFor({ start: startNode, cwd: scratch() });
      expect(await runCommand(["run", "-a", "a", ...args, "--", node], shell.cli)).toBe(1);
      expect(shell.out() + shell.err()).toMatch(words);
      expect(shell.out() + shell.err()).not.toContain("ENOENT");
    }
  });

  const badComponent = (dir: string): void => {
    mkdirSync(join(dir, "components"));
    writeFileSync(
      join(dir, "components/bad.yaml"),
      "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: bad }\nspec: { type: state.no-such, version: v1 }\n---\n: [\n",
    );
  };
  it("a component that ends the start is told of once, with its file", async () => {
    for (const command of ["run", "sidecar"]) {
      const cwd = scratch();
      badComponent(cwd);
      const shell = cliFor({ start: startNode, cwd });
      const args = ["--app-id", "a", "--resources-path", join(cwd, "components")];
      const ports = ["--dapr-http-port", "0", "--dapr-grpc-port", "0", "--metrics-port", "0"];
      expect(await runCommand([command, ...args, ...ports], shell.cli)).toBe(1);
      const lines = shell
        .out()
        .split("\n")
        .filter((line) => line.includes("INIT_COMPONENT_FAILURE"));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(
        /level=fatal .*bad \(state\.no-such\/v1\).*bad\.yaml \(document 1\)/,
      );
    }
  });
  it("of apps that share resources a fault is shown once, and is in the log file of each", async () => {
    const cwd = scratch();
    badComponent(cwd);
    for (const id of ["one", "two"]) mkdirSync(join(cwd, id));
    writeFileSync(
      join(cwd, "dapr.yaml"),
      `version: 1\ncommon: { resourcesPath: components }\napps: [{ appDirPath: one, command: [${JSON.stringify(node)}, -e, ""] }, { appDirPath: two, command: [${JSON.stringify(node)}, -e, ""] }]\n`,
    );
    const shell = cliFor({ start: startNode, cwd });
    expect(await runCommand(["run", "-f", "."], shell.cli)).toBe(0);
    expect(shell.out().match(/INIT_COMPONENT_FAILURE/g)).toHaveLength(1);
    expect(shell.out().match(/bad\.yaml \(document 2\)/g)).toHaveLength(1);
    for (const id of ["one", "two"]) {
      const folder = join(cwd, id, ".dapr/logs");
      expect(shell.out()).toContain(`Writing log files to directory : ${folder}`);
      const [name = ""] = readdirSync(folder).filter((each) => each.startsWith(`${id}_daprd_`));
      const text = readFileSync(join(folder, name), "utf8");
      expect(text.match(/INIT_COMPONENT_FAILURE/g)).toHaveLength(1);
      expect(text).toMatch(/document 2/);
    }
  });
  it("a text is news when the app is the same, or time has passed", () => {
    let now = 0;
    const isNews = onceForAll(() => now);
    expect([isNews("a", "x"), isNews("b", "x"), isNews("a", "x"), isNews("b", "y")]).toEqual([
      true,
      false,
      true,
      true,
    ]);
    now = 10_000;
    expect([isNews("b", "x"), isNews(undefined, "x")]).toEqual([true, true]);
  });

  it("flags of ours after the program are pointed out, and reach the program all the same", async () => {
    const shown = async (...args: readonly string[]): Promise<string> => {
      const shell = cliFor({ cwd: scratch() });
      await runCommand(["run", "-a", "a", ...args], shell.cli);
      expect(shell.out()).toMatch(/^--app-port=1/m);
      return shell.err();
    };
    const script = join(scratch(), "print.cjs");
    writeFileSync(script, "console.log(process.argv.slice(2).join(' '))");
    expect(await shown(node, script, "--app-port=1", "--config", "x", "--mine", "--help")).toBe(
      `--app-port=1 comes after "${node}" and is passed to it; put flags of outrigger run before the program\n` +
        `--config comes after "${node}" and is passed to it; put flags of outrigger run before the program\n`,
    );
    // After a -- a program's own --config is not a mistake.
    expect(await shown("--", node, script, "--app-port=1", "--config", "x")).toMatch(
      /^--app-port=1 .*\n$/,
    );
    expect(await shown("-p", "0", "--", node, script, "--app-port=1")).toBe("");
  });

  it("run takes the older names of the limits, and so does a run file", async () => {
    const runtime = fakeRuntime();
    const cwd = scratch();
    const old = ["--dapr-http-max-request-size", "2", "--dapr-http-read-buffer-size", "16"];
    const limits = { maxBodyBytes: 2 * 1024 * 1024, readBufferBytes: 16 * 1024 };
    const shell = cliFor({ start: runtime.start, cwd });
    await runCommand(["run", "-a", "a", ...old, "--", node, "-e", ""], shell.cli);
    expect(runtime.options?.apps[0]).toMatchObject(limits);
    writeFileSync(
      join(cwd, "dapr.yaml"),
      `version: 1\ncommon: { daprHTTPMaxRequestSize: 2 }\napps: [{ appDirPath: ., daprHTTPReadBufferSize: 16, command: [${JSON.stringify(node)}, -e, ""] }]\n`,
    );
    await runCommand(["run", "-f", "."], shell.cli);
    expect(runtime.options?.apps[0]).toMatchObject(limits);
    expect(shell.err()).toBe("");
  });
});

describe("lines", () => {
  it("are short and coloured on a terminal, Dapr's in files and elsewhere, and JSON where that is asked for", async () => {
    const out = async (terminal: boolean, ...args: readonly string[]): Promise<string> => {
      const runtime = fakeRuntime({
        starting: async () => runtime.options?.log.warn("Look", { app_id: "a", topic: "t" }),
      });
      const shell = cliFor({ start: runtime.start, cwd: scratch(), terminal, colour: terminal });
      await runCommand(["run", "-a", "a", ...args, "--", node, "-e", ""], shell.cli);
      return shell.out().replaceAll("\u001B", "ESC");
    };
    expect(await out(true)).toMatch(
      /^ESC\[90m\d\d:\d\d:\d\dESC\[0m ESC\[33mWARN ESC\[0m Look {2}ESC\[90mtopic=tESC\[0m\n/,
    );
    expect(await out(false)).toMatch(/^time=".*" level=warning msg=Look .* app_id=a topic=t\n/);
    expect(await out(true, "--log-as-json")).toMatch(
      /^\{"time":".*","level":"warning","msg":"Look"/,
    );
  });
  it("sidecar on a terminal is short too, but not its --log-file", async () => {
    const file = join(scratch(), "x.log");
    for (const [args, shape] of [
      [[], /^\d\d:\d\d:\d\d INFO {2}Starting Outrigger/],
      [["--log-file", file], /^time=/],
    ] as const) {
      const shell = cliFor({ terminal: true });
      const code = runCommand(["sidecar", "--app-id", "a", ...args], shell.cli);
      const text = (): string => (args.length > 0 ? readFileSync(file, "utf8") : shell.out());
      await eventually(() => text().includes("Starting"));
      shell.signal("SIGTERM");
      await code;
      expect(text()).toMatch(shape);
    }
  });
  it("--version is the version of the package; sidecar's is that of the API, as daprd's", async () => {
    const shell = cliFor();
    expect(await runCommand(["--version"], shell.cli)).toBe(0);
    expect(shell.out()).toMatch(new RegExp(`^outrigger ${packageVersion()}\nDapr API: .+\n$`));
  });
});

describe("an app that ignores signals", () => {
  it("is waited for with a word, and killed by a second signal", async () => {
    const shell = cliFor({ cwd: scratch() });
    const script = `process.on("SIGTERM", () => console.log("no")); console.log("up"); ${untilEnd}`;
    const code = runCommand(["run", "-a", "a", "--", node, "-e", script], shell.cli);
    await eventually(() => /^up$/m.test(shell.out()));
    shell.signal("SIGINT");
    await eventually(() =>
      /^Waiting up to 10 s for app "a" \(process \d+\) to end; a second signal \(Ctrl-C\) kills it$/m.test(
        shell.out(),
      ),
    );
    shell.signal("SIGINT");
    expect(shell.exits).toEqual([1]);
    shell.runExit();
    expect(await code).toBe(0);
  });
});
