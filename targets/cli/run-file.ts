import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { parse } from "yaml";
import { checkAppId, reachOptions } from "./app-options.ts";
import type { Cli } from "./cli.ts";
import { levelOf, reasonText } from "./cli-log.ts";
import { readFlags, UsageError } from "./flags.ts";
import { appExtras, appKeys, sharedExtras, sharedKeys, topKeys } from "./run-file-keys.ts";
import {
  type Common,
  configOf,
  fileOf,
  pathOf,
  resourcesFor,
  resourcesOf,
} from "./run-file-paths.ts";
import * as key from "./run-file-section.ts";
import { runFlags } from "./run-flags.ts";
import type { AppPlan } from "./run-plan.ts";

const maxBytes = 1024 * 1024;

export interface RunFile {
  readonly plans: readonly AppPlan[];
  readonly warnings: readonly string[];
}
type Reader = Pick<Cli, "cwd" | "env" | "input">;

/**
 * Reads Dapr's multi-app run file: a file, a folder that contains `dapr.yaml`, or "-" for stdin.
 *
 * @throws {UsageError} that names file and key.
 */
export async function readRunFile(path: string, reader: Reader): Promise<RunFile> {
  const file = path === "-" ? "stdin" : fileOf(resolve(reader.cwd, path));
  const base = path === "-" ? reader.cwd : dirname(file);
  const top: key.Place = { file, path: "" };
  const root = parseRoot(await textOf(path === "-" ? undefined : file, reader), top);
  const version = key.textOf(root, top, "version");
  if (version === undefined || version === "0")
    key.fault(top, "version", "is missing; add version: 1");
  const place = { file, path: "common" };
  const section = key.sectionOf(root["common"], top, "common");
  const common: Common = {
    section,
    place,
    resourcesPaths: resourcesOf(section, place, base, reader.env),
  };
  const warnings = [
    ...key.unknownKeys(root, top, topKeys),
    ...key.unknownKeys(section, place, [...Object.keys(sharedKeys), ...sharedExtras]),
  ];
  const list = root["apps"];
  if (!Array.isArray(list) || list.length === 0)
    return key.fault(top, "apps", "must be a list with at least one app");
  const plans: AppPlan[] = [];
  for (const [i, value] of list.entries()) {
    const where = { file, path: `apps[${i}]` };
    const app = key.sectionOf(value, top, where.path);
    warnings.push(...key.unknownKeys(app, where, [...Object.keys(appKeys), ...appExtras]));
    const plan = await planApp(app, where, common, base, reader);
    if (plans.some(({ appId }) => appId === plan.appId))
      key.fault(
        where,
        "appID",
        `is ${JSON.stringify(plan.appId)}, which another app has too; give each app its own id`,
      );
    plans.push(plan);
  }
  return { plans, warnings };
}

async function planApp(
  app: key.Section,
  place: key.Place,
  common: Common,
  base: string,
  reader: Reader,
): Promise<AppPlan> {
  const dir = pathOf(app, place, "appDirPath", base, reader.env);
  if (dir === undefined) return key.fault(place, "appDirPath", "is missing");
  const given = new Map<string, readonly string[]>();
  const labels = new Map<string, string>();
  const take = (
    section: key.Section,
    from: key.Place,
    keys: Readonly<Record<string, string>>,
  ): void => {
    for (const [name, flag] of Object.entries(keys)) {
      const text = key.textOf(section, from, name);
      labels.set(flag, labels.get(flag) ?? key.at(place, name));
      if (text === undefined) continue;
      given.set(flag, [text]);
      labels.set(flag, key.at(from, name));
    }
  };
  take(common.section, common.place, sharedKeys);
  take(app, place, appKeys);
  const flags = readFlags(runFlags, given, (name) => labels.get(name) ?? name);
  const appId = flags.text("app-id") || basename(dir);
  checkAppId(appId, key.at(place, "appID"));
  const env = { ...key.envOf(common.section, common.place), ...key.envOf(app, place) };
  const config = configOf(app, place, dir, common, base, reader.env);
  const runtimeLog = either("daprdLogDestination");
  const httpPort = flags.number("dapr-http-port");
  const grpcPort = flags.number("dapr-grpc-port");
  const metricsPort = flags.number("metrics-port");
  return {
    appId,
    dir,
    command: key.textsOf(app, place, "command"),
    env,
    reach: {
      ...reachOptions(flags, withTokens(reader.env, env), "file"),
      configPaths: config,
    },
    resources: await resourcesFor(app, place, dir, common, base, reader.env),
    ...(httpPort === undefined ? {} : { httpPort }),
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(metricsPort === undefined ? {} : { metricsPort }),
    appLog: either("appLogDestination") ?? "fileAndConsole",
    logLevel: levelOf(flags.text("log-level")),
    ...(runtimeLog === undefined ? {} : { runtimeLog }),
  };

  function either(name: string): ReturnType<typeof key.destinationOf> {
    return (
      key.destinationOf(app, place, name) ?? key.destinationOf(common.section, common.place, name)
    );
  }
}

/**
 * The file can contain the app's tokens. The rest of its environment is only for the app itself.
 */
function withTokens(env: Cli["env"], own: Readonly<Record<string, string>>): Cli["env"] {
  return {
    ...env,
    ...(own["DAPR_API_TOKEN"] === undefined ? {} : { DAPR_API_TOKEN: own["DAPR_API_TOKEN"] }),
    ...(own["APP_API_TOKEN"] === undefined ? {} : { APP_API_TOKEN: own["APP_API_TOKEN"] }),
  };
}

async function textOf(file: string | undefined, reader: Reader): Promise<string> {
  if (file === undefined) return reader.input();
  const { size } = statSync(file);
  if (size > maxBytes) throw new UsageError(`${file} has ${size} bytes; the limit is ${maxBytes}`);
  return readFile(file, "utf8");
}

function parseRoot(text: string, top: key.Place): key.Section {
  try {
    const value: unknown = parse(text, { prettyErrors: true });
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as key.Section;
  } catch (reason) {
    throw new UsageError(`${top.file} is not valid YAML: ${reasonText(reason)}`);
  }
  throw new UsageError(`${top.file} has no keys; add version and apps`);
}
