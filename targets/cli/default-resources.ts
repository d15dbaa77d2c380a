import { constants, existsSync } from "node:fs";
import { access, chmod, mkdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { AppPlan } from "./run-plan.ts";

/** Next to the app. */
const dataFolder = ".outrigger";
const stateFileIn = (data: string): string => join(data, "state.db");

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The resources of an app that names none: those that `dapr init` created, or else a state store
 * next to the app and a broker for all apps of this user.
 */
export async function defaultResources(env: Env, dir: string): Promise<AppPlan["resources"]> {
  const folder = daprFolder(env, "components");
  if (folder !== undefined) return { resourcesPaths: [folder] };
  const data = join(dir, dataFolder);
  await mkdir(data, { recursive: true });
  const broker = join((await userFolder(env)) ?? data, "pubsub.db");
  return {
    resourcesPaths: [],
    inlineResources: [{ name: "built-in resources", text: builtIn(stateFileIn(data), broker) }],
  };
}

/**
 * A folder that only this user can read; `undefined` if there is none, for example for a user
 * without a home directory.
 */
async function userFolder(env: Env): Promise<string | undefined> {
  const state = env["XDG_STATE_HOME"];
  const home = env["HOME"] ?? env["USERPROFILE"];
  const folder =
    state !== undefined && isAbsolute(state)
      ? join(state, "outrigger")
      : home
        ? join(home, ".outrigger")
        : undefined;
  if (folder === undefined) return undefined;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await access(folder, constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

/** As `defaultResources`, but makes nothing: the folder, or the file of the built-in state store. */
export function presentResources(
  env: Env,
  dir: string,
): { readonly folder: string } | { readonly stateFile: string } | undefined {
  const folder = daprFolder(env, "components");
  if (folder !== undefined) return { folder };
  const stateFile = stateFileIn(join(dir, dataFolder));
  return existsSync(stateFile) ? { stateFile } : undefined;
}

export function defaultConfig(env: Env): readonly string[] {
  const file = daprFolder(env, "config.yaml");
  return file === undefined ? [] : [file];
}

function daprFolder(env: Env, name: string): string | undefined {
  const home = env["HOME"] ?? env["USERPROFILE"];
  if (!home) return undefined;
  const path = join(home, ".dapr", name);
  return existsSync(path) ? path : undefined;
}

function builtIn(database: string, broker: string): string {
  return `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: statestore
spec:
  type: state.sqlite
  version: v1
  metadata:
    - name: connectionString
      value: ${JSON.stringify(database)}
    - name: actorStateStore
      value: "true"
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: pubsub
spec:
  type: pubsub.outrigger.sqlite
  version: v1
  metadata:
    - name: connectionString
      value: ${JSON.stringify(broker)}
`;
}
