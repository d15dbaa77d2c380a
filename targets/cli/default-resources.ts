import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { AppPlan } from "./run-plan.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What an app gets that names no resources: those that `dapr init` made, else a state store in a file and pub/sub in memory. */
export async function defaultResources(env: Env, dir: string): Promise<AppPlan["resources"]> {
  const folder = daprFolder(env, "components");
  if (folder !== undefined) return { resourcesPaths: [folder] };
  const data = join(dir, ".outrigger");
  await mkdir(data, { recursive: true });
  return {
    resourcesPaths: [],
    inlineResources: [{ name: "built-in resources", text: builtIn(join(data, "state.db")) }],
  };
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

function builtIn(database: string): string {
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
  type: pubsub.in-memory
  version: v1
`;
}
