/**
 * Writes k8s/manifests/*.yaml: what the chart makes of its own values, for those who have no Helm. Also copies
 * k8s/crds into the chart, which can read no file outside its folder. `--check` only says what is not fresh.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");
export const chart: string = join(root, "k8s/chart");
/** What templates are rendered for; a helm that was built without a version would say 1.20. */
const kubeVersion = "1.35.4";
const namespace = "outrigger-system";

/** OUTRIGGER_HELM, the one that the cluster tests build, or the one on the PATH; `undefined`: none. */
export function findHelm(): string | undefined {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const places = [
    process.env["OUTRIGGER_HELM"] ?? "",
    join(cache, "outrigger-cluster/bin/helm"),
    ...(process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "helm")),
  ];
  return places.find((path) => {
    try {
      if (path !== "") accessSync(path, constants.X_OK);
      return path !== "";
    } catch {
      return false;
    }
  });
}

/** `helm template` of the chart. Throws with what helm says. */
export function renderChart(helm: string, args: readonly string[] = []): string {
  const fixed = ["template", "outrigger", chart, "-n", namespace, "--kube-version", kubeVersion];
  const { status, stdout, stderr, error } = spawnSync(helm, [...fixed, ...args], {
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim());
  return stdout;
}

/** The files of k8s/manifests by name. */
export function manifests(helm: string): Readonly<Record<string, string>> {
  const [crds, daemonSet] = split(renderChart(helm));
  const [, deployment] = split(renderChart(helm, ["--set", "mode=deployment"]));
  const first = "# Rendered from k8s/chart by scripts/manifests.ts; do not edit.\n";
  return {
    "crds.yaml": `${first}---\n${crds.join("\n---\n")}\n`,
    "outrigger.yaml": `${first}${namespaceText}---\n${daemonSet.join("\n---\n")}\n`,
    "outrigger-deployment.yaml": `${first}${namespaceText}---\n${deployment.join("\n---\n")}\n`,
  };
}

/** The definitions, and all else. */
function split(rendered: string): readonly [crds: readonly string[], rest: readonly string[]] {
  const documents = rendered
    .split(/^---$/m)
    .map((text) => text.trim().replace(/\n\s*\n/g, "\n"))
    // What a condition left out is a document of comments.
    .filter((text) => /^kind:/m.test(text));
  const isCrd = (text: string): boolean => /^kind: CustomResourceDefinition$/m.test(text);
  return [documents.filter(isCrd), documents.filter((text) => !isCrd(text))];
}

// The runtime is on the node's own network, which only this level of the pod security standards allows.
const namespaceText = `---
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    pod-security.kubernetes.io/enforce: privileged
`;

/** Every file that this script writes, with its text; without helm only the definitions in the chart. */
export function files(helm: string | undefined): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  const source = join(root, "k8s/crds");
  for (const name of readdirSync(source).sort())
    made.set(join(chart, "files/crds", name), readFileSync(join(source, name), "utf8"));
  if (helm !== undefined)
    for (const [name, text] of Object.entries(manifests(helm)))
      made.set(join(root, "k8s/manifests", name), text);
  return made;
}

/** Those that are not as they would be written. */
export function stale(made: ReadonlyMap<string, string>): readonly string[] {
  return [...made].filter(([path, text]) => readIf(path) !== text).map(([path]) => path);
}

function readIf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const helm = findHelm();
  // The definitions first: the chart renders its copies.
  const copies = files(undefined);
  const isCheck = process.argv.includes("--check");
  if (!isCheck)
    for (const path of stale(copies)) {
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, copies.get(path) ?? "");
    }
  if (helm === undefined) {
    console.error("No helm: set OUTRIGGER_HELM, or run the cluster tests once, which build one");
    process.exit(1);
  }
  const made = files(helm);
  const paths = stale(made);
  if (isCheck) {
    for (const path of paths) console.error(`${path} is not fresh: npm run manifests`);
    process.exit(paths.length > 0 ? 1 : 0);
  }
  mkdirSync(join(root, "k8s/manifests"), { recursive: true });
  for (const path of paths) writeFileSync(path, made.get(path) ?? "");
}
