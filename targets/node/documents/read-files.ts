import type { Documents } from "#core/hosting/reload/documents.ts";
import type { NodeAppOptions, NodeOptions } from "../options.ts";
import { parse, readConfiguration, readResources } from "./resources.ts";

/** The documents that an app starts with. Rejects for a folder that is not there: at the start that is a mistake. */
export async function readFiles(
  app: NodeAppOptions,
  env: NodeOptions["env"],
  log: NodeOptions["log"],
): Promise<Omit<Documents, "unread">> {
  return {
    configuration: await readConfiguration(app.configPaths, env, log),
    resources: [
      ...(await readResources(app.resourcesPaths, log)),
      ...(app.inlineResources ?? []).flatMap(({ name, text }) => parse(text, name, log)),
    ],
  };
}
