import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Cli } from "./cli.ts";
import { defaultConfig, defaultResources } from "./default-resources.ts";
import { UsageError } from "./flags.ts";
import * as key from "./run-file-section.ts";
import type { AppPlan } from "./run-plan.ts";

/** The part of a run file that applies to all its apps. */
export interface Common {
  readonly section: key.Section;
  readonly place: key.Place;
  readonly resourcesPaths: readonly string[];
}

/**
 * In Dapr's order: the app's own resources, `.dapr/resources` next to the app, the common ones,
 * those of `dapr init`.
 */
export async function resourcesFor(
  app: key.Section,
  place: key.Place,
  dir: string,
  common: Common,
  base: string,
  env: Cli["env"],
): Promise<AppPlan["resources"]> {
  const own = resourcesOf(app, place, dir, env);
  if (own.length > 0) return { resourcesPaths: own };
  const local = join(dir, ".dapr", "resources");
  if (existsSync(local)) return { resourcesPaths: [local] };
  if (common.resourcesPaths.length > 0) return { resourcesPaths: common.resourcesPaths };
  return defaultResources(env, base);
}

export function configOf(
  app: key.Section,
  place: key.Place,
  dir: string,
  common: Common,
  base: string,
  env: Cli["env"],
): readonly string[] {
  const own = pathOf(app, place, "configFilePath", dir, env);
  if (own !== undefined) return [own];
  const local = join(dir, ".dapr", "config.yaml");
  if (existsSync(local)) return [local];
  const shared = pathOf(common.section, common.place, "configFilePath", base, env);
  return shared === undefined ? defaultConfig(env) : [shared];
}

export function resourcesOf(
  section: key.Section,
  place: key.Place,
  base: string,
  env: Cli["env"],
): readonly string[] {
  const one = pathOf(section, place, "resourcesPath", base, env);
  const several = key
    .textsOf(section, place, "resourcesPaths")
    .map((path) => existing(path, place, "resourcesPaths", base, env));
  return one === undefined ? several : [...several, one];
}

export function pathOf(
  section: key.Section,
  place: key.Place,
  name: string,
  base: string,
  env: Cli["env"],
): string | undefined {
  const text = key.textOf(section, place, name);
  return text === undefined ? undefined : existing(text, place, name, base, env);
}

function existing(
  path: string,
  place: key.Place,
  name: string,
  base: string,
  env: Cli["env"],
): string {
  const home = env["HOME"];
  const full = resolve(base, home && /^~(?:\/|$)/.test(path) ? join(home, path.slice(1)) : path);
  if (!existsSync(full))
    key.fault(place, name, `names ${JSON.stringify(full)}, which does not exist`);
  return full;
}

export function fileOf(path: string): string {
  if (!existsSync(path)) throw new UsageError(`No run file at "${path}"`);
  if (!statSync(path).isDirectory()) return path;
  const file = ["dapr.yaml", "dapr.yml"]
    .map((name) => join(path, name))
    .find((name) => existsSync(name));
  if (file === undefined) throw new UsageError(`No dapr.yaml in folder "${path}"`);
  return file;
}
