import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type Configuration,
  type ConfigurationDocument,
  mergeConfigurations,
} from "#core/resources/configuration.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { parseConfigurations } from "#core/resources/configuration-file.ts";
import { fileFault } from "./file-fault.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { type Problem, problemText } from "#core/resources/read-document.ts";
import type { Resource } from "#core/resources/resource.ts";
import type { Log } from "#core/ports/platform.ts";

/** Larger files are refused; Dapr's resources are a few KiB. */
const maxFileBytes = 4 * 1024 * 1024;

/** Reads folders of `.yaml`, `.yml` and `.json` files, not their subfolders. A file or document that cannot be read is left out with a warning, as Dapr does. */
export async function readResources(
  paths: readonly string[],
  log: Log,
): Promise<readonly Resource[]> {
  const resources: Resource[] = [];
  for (const path of paths)
    for (const file of await filesIn(path)) {
      try {
        resources.push(...parse(await readText(file, "resources from"), file, log));
      } catch (reason) {
        log.warn(`Ignoring a file that cannot be read: ${messageOf(reason)}`, { file });
      }
    }
  return resources;
}

/** Parses a text as if it were a file; problems go to the log. */
export function parse(text: string, file: string, log: Log): readonly Resource[] {
  const { documents, problems } = parseDocuments(text, file);
  for (const problem of problems) report(problem, log);
  return documents;
}

/** Reads Configuration files; later ones override. Rejects when one holds no readable Configuration. */
export async function readConfiguration(
  paths: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<Configuration> {
  const documents: ConfigurationDocument[] = [];
  for (const path of paths) {
    const text = await readText(path, "the Configuration");
    const { configurations, problems } = parseConfigurations(text, path, env);
    for (const problem of problems) report(problem, log);
    documents.push(...configurations);
  }
  return mergeConfigurations(documents);
}

export async function filesIn(path: string): Promise<readonly string[]> {
  const info = await stat(path).catch((reason: unknown) => {
    throw fileFault("resources from", path, reason);
  });
  if (!info.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => /\.(?:ya?ml|json)$/i.test(name))
    .sort()
    .map((name) => join(path, name));
}

/** Rejects with words that say which file it is, and what was to be in it. */
export async function readText(file: string, what: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) throw new Error(`it has ${size} bytes, more than ${maxFileBytes}`);
    return await readFile(file, "utf8");
  } catch (reason) {
    throw fileFault(what, file, reason);
  }
}

function report(problem: Problem, log: Log): void {
  log.warn(problemText(problem));
}
