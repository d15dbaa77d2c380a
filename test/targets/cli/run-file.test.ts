import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readRunFile, type RunFile } from "#targets/cli/run-file.ts";

/** Makes the files in a new folder and reads its dapr.yaml. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "outrigger-run-file-")));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}
const read = (
  dir: string,
  env: Readonly<Record<string, string>> = {},
  path = ".",
  input = "",
): Promise<RunFile> => readRunFile(path, { cwd: dir, env, input: async () => input });

const empty = { "a/x": "", "b/x": "" };

describe("run file", () => {
  it("gives each app its own values before the common ones, and paths from their own folder", async () => {
    const dir = folderOf({
      "dapr.yaml": `version: 1
name: demo
common:
  resourcesPath: ./shared
  configFilePath: common.yaml
  appProtocol: https
  appMaxConcurrency: 5
  appLogDestination: console
  env: { DEBUG: true, WHO: common, EMPTY: }
apps:
  - appID: one
    appDirPath: ./a
    appPort: 3000
    daprHTTPPort: 3501
    daprGRPCPort: 50002
    metricsPort: 9091
    maxBodySize: 1Ki
    resourcesPaths: [./own, ../shared]
    configFilePath: own.yaml
    appProtocol: http
    apiListenAddresses: 127.0.0.1
    logLevel: debug
    daprdLogDestination: fileAndConsole
    env: { WHO: one, PORT: 1 }
    command: [node, app.js, "--x", 1]
  - appDirPath: b/
    appLogDestination: file
`,
      "shared/x.yaml": "",
      "common.yaml": "",
      "a/own/x.yaml": "",
      "a/own.yaml": "",
      "b/x": "",
    });
    const { plans, warnings } = await read(dir);
    expect(warnings).toEqual([]);
    expect(plans.map(({ logLevel }) => logLevel)).toEqual(["debug", "info"]);
    expect(plans).toMatchObject([
      {
        appId: "one",
        dir: join(dir, "a"),
        command: ["node", "app.js", "--x", "1"],
        env: { DEBUG: "true", WHO: "one", EMPTY: "", PORT: "1" },
        httpPort: 3501,
        grpcPort: 50_002,
        metricsPort: 9091,
        resources: { resourcesPaths: [join(dir, "a/own"), join(dir, "shared")] },
        appLog: "console",
        runtimeLog: "fileAndConsole",
        reach: {
          appPort: 3000,
          appProtocol: "http",
          appMaxConcurrency: 5,
          maxBodyBytes: 1024,
          listenAddresses: ["127.0.0.1"],
          configPaths: [join(dir, "a/own.yaml")],
        },
      },
      {
        appId: "b",
        dir: join(dir, "b"),
        command: [],
        env: { DEBUG: "true", WHO: "common", EMPTY: "" },
        resources: { resourcesPaths: [join(dir, "shared")] },
        appLog: "file",
        reach: { appProtocol: "https", configPaths: [join(dir, "common.yaml")] },
      },
    ]);
    expect(plans[1]?.reach).not.toHaveProperty("appPort");
    expect(plans[1]).not.toHaveProperty("runtimeLog");
  });

  it("prefers a .dapr folder beside the app to the common paths, and those to ~/.dapr", async () => {
    const dir = folderOf({
      "dapr.yaml": `version: 1
common: { resourcesPath: shared }
apps: [{ appDirPath: a }, { appDirPath: b }]`,
      "a/.dapr/resources/x.yaml": "",
      "a/.dapr/config.yaml": "",
      "b/x": "",
      "shared/x.yaml": "",
      "home/.dapr/components/x.yaml": "",
      "home/.dapr/config.yaml": "",
    });
    const home = { HOME: join(dir, "home") };
    const { plans } = await read(dir, home);
    expect(
      plans.map(({ resources, reach }) => [resources.resourcesPaths, reach.configPaths]),
    ).toEqual([
      [[join(dir, "a/.dapr/resources")], [join(dir, "a/.dapr/config.yaml")]],
      [[join(dir, "shared")], [join(dir, "home/.dapr/config.yaml")]],
    ]);
    writeFileSync(join(dir, "dapr.yaml"), "version: 1\napps: [{ appDirPath: b }]");
    expect((await read(dir, home)).plans[0]?.resources).toEqual({
      resourcesPaths: [join(dir, "home/.dapr/components")],
    });
    expect((await read(dir)).plans[0]?.resources.inlineResources?.[0]?.text).toContain(
      JSON.stringify(join(dir, ".outrigger/state.db")),
    );
  });

  it("is found as a file, in a folder, or on stdin", async () => {
    const text = "version: 1\napps: [{ appDirPath: a }]";
    const dir = folderOf({ "dapr.yaml": text, "other.yaml": text, ...empty });
    for (const path of [".", "dapr.yaml", "other.yaml", join(dir, "other.yaml"), "-"])
      expect((await read(dir, {}, path, text)).plans[0]?.dir).toBe(join(dir, "a"));
  });

  it("takes ~ for the home folder", async () => {
    const dir = folderOf({
      "dapr.yaml": "version: 1\napps: [{ appDirPath: a, resourcesPath: ~/res }]",
      "home/res/x.yaml": "",
      ...empty,
    });
    const { plans } = await read(dir, { HOME: join(dir, "home") });
    expect(plans[0]?.resources.resourcesPaths).toEqual([join(dir, "home/res")]);
  });

  it("takes an app's own tokens from its environment", async () => {
    const dir = folderOf({
      "dapr.yaml": `version: 1
apps:
  - { appDirPath: a, env: { DAPR_API_TOKEN: own, APP_API_TOKEN: back } }
  - { appDirPath: b }`,
      ...empty,
    });
    const { plans } = await read(dir, { DAPR_API_TOKEN: "all" });
    expect(plans.map(({ reach }) => [reach.apiTokens, reach.appToken])).toEqual([
      [["own"], "back"],
      [["all"], undefined],
    ]);
  });

  it("takes each app's API logging and profiles; a key that is not there leaves logging to the Configuration", async () => {
    const dir = folderOf({
      "dapr.yaml": `version: 1
common: { enableApiLogging: true }
apps:
  - { appDirPath: a, enableProfiling: true, profilePort: 7000 }
  - { appDirPath: b, enableApiLogging: false }`,
      ...empty,
    });
    const { plans, warnings } = await read(dir);
    expect(warnings).toEqual([]);
    expect(plans.map(({ reach }) => [reach.apiLogging, reach.profilePort])).toEqual([
      [true, 7000],
      [false, undefined],
    ]);
  });

  it("warns about unknown keys with the nearest name", async () => {
    const dir = folderOf({
      "dapr.yaml": `version: 1
colour: red
common: { resourcePath: x }
apps: [{ appDirPath: a, appprt: 1, placementHostAddress: "" }]`,
      ...empty,
    });
    const file = join(dir, "dapr.yaml");
    expect((await read(dir)).warnings).toEqual([
      `Ignoring unknown key ${file}: colour`,
      `Ignoring unknown key ${file}: common.resourcePath; did you mean "resourcesPath"?`,
      `Ignoring unknown key ${file}: apps[0].appprt; did you mean "appPort"?`,
    ]);
  });

  for (const [what, text, message] of [
    ["broken YAML", "version: [1", /dapr\.yaml is not valid YAML/],
    ["a text", "hello", /dapr\.yaml has no keys/],
    ["no version", "apps: [{ appDirPath: a }]", /dapr\.yaml: version is missing/],
    ["no apps", "version: 1", /dapr\.yaml: apps must be a list/],
    ["an empty list of apps", "version: 1\napps: []", /dapr\.yaml: apps must be a list/],
    [
      "an app that is not a map",
      "version: 1\napps: [a]",
      /dapr\.yaml: apps\[0\] must be a mapping/,
    ],
    ["no appDirPath", "version: 1\napps: [{ appID: a }]", /apps\[0\]\.appDirPath is missing/],
    [
      "a folder that is not there",
      "version: 1\napps: [{ appDirPath: z }]",
      /apps\[0\]\.appDirPath names ".*z", which does not exist/,
    ],
    [
      "resources that are not there",
      "version: 1\ncommon: { resourcesPaths: [z] }\napps: [{ appDirPath: a }]",
      /common\.resourcesPaths names/,
    ],
    [
      "a port that is none",
      "version: 1\napps: [{ appDirPath: a, appPort: many }]",
      /"many" for .*dapr\.yaml: apps\[0\]\.appPort/,
    ],
    [
      "a common value that is wrong",
      "version: 1\ncommon: { maxBodySize: 4Xi }\napps: [{ appDirPath: a }]",
      /"4Xi" for .*: common\.maxBodySize/,
    ],
    [
      "a command that is not a list",
      "version: 1\napps: [{ appDirPath: a, command: node x }]",
      /apps\[0\]\.command must be a list/,
    ],
    [
      "an unknown log destination",
      "version: 1\napps: [{ appDirPath: a, appLogDestination: disk }]",
      /apps\[0\]\.appLogDestination must be one of console/,
    ],
    [
      "an environment value that is not a scalar",
      "version: 1\napps: [{ appDirPath: a, env: { X: [1] } }]",
      /apps\[0\]\.env\.X must be a single value/,
    ],
    [
      "the same id twice",
      "version: 1\napps: [{ appDirPath: a }, { appDirPath: b, appID: a }]",
      /apps\[1\]\.appID is "a", which another app has too/,
    ],
    ["an id with a dot", "version: 1\napps: [{ appDirPath: a, appID: a.b }]", /apps\[0\]\.appID/],
  ] as const)
    it(`refuses ${what} with file and key`, async () => {
      await expect(read(folderOf({ "dapr.yaml": text, ...empty }))).rejects.toThrow(message);
    });

  it("refuses a path that leads nowhere", async () => {
    const dir = folderOf(empty);
    await expect(read(dir)).rejects.toThrow(/No dapr\.yaml in folder/);
    await expect(read(dir, {}, "x.yaml")).rejects.toThrow(/No run file at/);
  });
});
