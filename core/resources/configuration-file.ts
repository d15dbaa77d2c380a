import { type ConfigurationDocument, expandEnv } from "./configuration.ts";
import { holdsNothing, parseDocuments } from "./parse.ts";
import { type Problem, problemText } from "./read-document.ts";

/**
 * The Configurations of a file, the environment put in. Dapr takes what such a file holds as a Configuration,
 * whether it says so or not, and an empty one as the defaults. Throws where it holds something else only.
 */
export function parseConfigurations(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): {
  readonly configurations: readonly ConfigurationDocument[];
  readonly problems: readonly Problem[];
} {
  const expanded = expandEnv(text, env);
  const { documents, problems } = parseDocuments(expanded, file, defaults);
  const configurations = documents.filter((document) => document.kind === "Configuration");
  if (configurations.length === 0 && !holdsNothing(expanded.replace(/^---.*$/gm, ""))) {
    const fault = problems.find(({ severity }) => severity === "error");
    const why = fault ? problemText(fault) : "it contains no valid Configuration";
    throw new Error(`Cannot read the Configuration "${file}": ${why}`);
  }
  return { configurations, problems };
}

const defaults = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Configuration",
  metadata: { name: "daprConfig" },
};
