import { setImmediate } from "node:timers/promises";
import type { Documents, UnreadFile } from "#core/hosting/reload/documents.ts";
import { joined, parseParts } from "#core/resources/parse.ts";
import { type Parsed, problemText } from "#core/resources/read-document.ts";
import type { Resource } from "#core/resources/resource.ts";
import type { Log } from "#core/ports/platform.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { NodeAppOptions } from "../options.ts";
import { filesIn, parse, readConfiguration, readText } from "./resources.ts";

type Sources = Pick<NodeAppOptions, "configPaths" | "inlineResources" | "resourcesPaths">;

/** Reads an app's documents once more. What cannot be read is told, and does not stop the rest. Rejects only for a Configuration that cannot be read. */
export async function readDocuments(
  app: Sources,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<Documents> {
  const resources: Resource[] = [];
  const unread: UnreadFile[] = [];
  const configuration = await readConfiguration(app.configPaths, env, log);
  for (const path of app.resourcesPaths) {
    let files: readonly string[] = [];
    try {
      files = await filesIn(path);
    } catch (reason) {
      // A folder that is being replaced is back in a moment; its documents stay until then.
      unread.push({ file: path, why: messageOf(reason) });
    }
    for (const file of files) {
      try {
        const { documents, problems } = await parseInTurns(
          await readText(file, "resources from"),
          file,
        );
        resources.push(...documents);
        for (const problem of problems) log.warn(problemText(problem));
        const [fault] = problems.filter(({ severity }) => severity === "error");
        if (fault) unread.push({ file, why: problemText(fault) });
      } catch (reason) {
        unread.push({ file, why: messageOf(reason) });
      }
    }
  }
  for (const { name, text } of app.inlineResources ?? []) resources.push(...parse(text, name, log));
  return { resources, configuration, unread };
}

/** Calls of the apps must not wait until a file of thousands of documents is read. */
async function parseInTurns(text: string, file: string): Promise<Parsed> {
  const parts: Parsed[] = [];
  let began = performance.now();
  for (const part of parseParts(text, file, {})) {
    parts.push(part);
    if (performance.now() - began < turnMs) continue;
    await setImmediate();
    began = performance.now();
  }
  return joined(parts);
}
const turnMs = 10;
