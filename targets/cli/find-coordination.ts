import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { actorStoreDriver } from "#core/hosting/actor-store-settings.ts";
import type { CoordinationDriver } from "#core/hosting/coordination.ts";
import type { LoadDeps } from "#core/hosting/load-components.ts";
import { ofKind } from "#core/resources/resource.ts";
import { isVisible } from "#core/resources/scopes.ts";
import { sqliteFile } from "#targets/node/coordination.ts";
import { embeddedFile, embeddedGroup } from "#targets/node/embedded-coordination.ts";
import { readResources } from "#targets/node/documents/resources.ts";
import type { Cli } from "./cli.ts";
import { coordinationFlags } from "./coordination-flags.ts";
import { presentResources } from "./default-resources.ts";
import { namespaceOf } from "./database-flags.ts";
import { type Flags, UsageError } from "./flags.ts";

/** Where runtimes keep owners and due times. */
export interface FoundCoordination {
  readonly driver: CoordinationDriver;
  readonly group: string;
  /** Its name for people. Never a connection, which may hold a password. */
  readonly title: string;
  /** What to do if another database was meant. */
  readonly hint?: string;
  /** The file that would be the database, and does not exist. */
  readonly missing?: string;
}

/** `appId`: scopes of resources count. Makes no file and opens no state store. */
export async function findCoordination(
  flags: Flags,
  cli: Cli,
  appId: string | undefined,
  deps: LoadDeps,
): Promise<FoundCoordination> {
  const { coordination } = coordinationFlags(flags, cli.env, "file");
  if (!coordination) throw new UsageError("With --coordination off there is nothing to show");
  const { group, driver } = coordination;
  if (driver?.type === "coordination.in-memory")
    throw new UsageError(
      "A runtime with --coordination in-memory keeps all to itself, so other processes cannot see it",
    );
  const found = (of: CoordinationDriver, title: string): FoundCoordination => {
    const file = sqliteFileOf(of);
    const isMissing = file !== undefined && !existsSync(resolve(cli.cwd, file));
    return { driver: of, group, title, ...(isMissing ? { missing: file } : {}) };
  };
  if (driver) return found(driver, "the database of --coordination");
  const paths = flags.list("resources-path").map((path) => resolve(cli.cwd, path));
  const present = paths.length > 0 ? undefined : presentResources(cli.env, cli.cwd);
  if (present && "stateFile" in present)
    return { ...found(sqliteFile(present.stateFile), present.stateFile), hint: otherwise };
  const folders = present ? [present.folder] : paths;
  const app = { appId: appId ?? "", namespace: namespaceOf(flags, cli) };
  const resources = await readResources(folders, deps.platform.log);
  const documents = ofKind(resources, "Component").filter(
    (document) => appId === undefined || isVisible(document, app),
  );
  const store = await actorStoreDriver(app, documents, deps);
  if (store) return found(store, `the actor state store in ${folders.join(", ")}`);
  const file = embeddedFile(cli.env);
  return { ...found(sqliteFile(file), file), group: embeddedGroup(group), hint: otherwise };
}

const otherwise =
  "An app with an actor state store keeps its jobs, and who owns its actors, in that store: run this command in the folder of the app, or add --resources-path or --coordination";

/** The path in a connection string; `undefined` for other drivers, and for a database in memory. */
function sqliteFileOf({ type, metadata }: CoordinationDriver): string | undefined {
  const connection = metadata["connectionstring"] ?? metadata["url"] ?? "";
  if (type !== "coordination.sqlite" || connection.toLowerCase().includes(":memory:"))
    return undefined;
  const path = connection.replace(/\?.*$/s, "");
  return /^file:/i.test(path) ? decodeUri(path.slice("file:".length)) : path;
}
function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text.replace(/^\/\/(?:localhost)?(?=\/)/, ""));
  } catch {
    return text;
  }
}
