/** Builds a cluster's programs from their Go modules (`go/*`), whose versions go.mod and go.sum pin. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ClusterMode } from "./api.ts";
import { findGo, missingPackages } from "./requirements.ts";
import { binFolder } from "./places.ts";
import { readIf } from "./processes.ts";
import { run } from "./run.ts";

export const kubernetesVersion = "1.35.4";
const stamped = "k8s.io/component-base/version";

interface Module {
  /** Its folder in `go/`. */
  readonly name: string;
  /** What `go build` makes of it: a package and the program's name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Texts for the linker, each `variable=value`. */
  readonly variables?: readonly string[];
}
const kubernetes = (name: string): Readonly<Record<string, string>> => ({
  [`k8s.io/kubernetes/cmd/${name}`]: name,
});
const modules: readonly Module[] = [
  {
    name: "k8s",
    programs: {
      ...kubernetes("kube-apiserver"),
      ...kubernetes("kube-controller-manager"),
      ...kubernetes("kube-scheduler"),
      ...kubernetes("kubelet"),
      ...kubernetes("kube-proxy"),
    },
    variables: [
      `${stamped}.gitVersion=v${kubernetesVersion}`,
      `${stamped}.gitMajor=1`,
      `${stamped}.gitMinor=35`,
    ],
  },
  { name: "etcd", programs: { "go.etcd.io/etcd/server/v3": "etcd" } },
  { name: "kwok", programs: { "sigs.k8s.io/kwok/cmd/kwok": "kwok" } },
  { name: "coredns", programs: { ".": "coredns" } },
  {
    name: "helm",
    programs: { "helm.sh/helm/v3/cmd/helm": "helm" },
    // A chart asks for the cluster's version when nobody has one (`helm template`).
    variables: [
      "helm.sh/helm/v3/internal/version.version=v3.22.0",
      "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1",
      "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=35",
      "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1",
      "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=35",
    ],
  },
];
const kwokStages = join(binFolder, "kwok-stages.yaml");

/** Where a program is, built or not. */
export function program(name: string): string {
  return join(binFolder, name);
}

/** Builds what is missing or of another version; a second time costs milliseconds. `say` gets a line for each part. */
export async function build(mode: ClusterMode, say: (line: string) => void): Promise<void> {
  await mkdir(binFolder, { recursive: true });
  for (const module of modules) await buildModule(module, say);
  if (mode === "node" || mode === "node2") await installPackages(say);
}

/** True when `build` has nothing to compile. */
export async function isBuilt(): Promise<boolean> {
  for (const module of modules) if (!(await isFresh(module))) return false;
  return true;
}

async function buildModule(module: Module, say: (line: string) => void): Promise<void> {
  if (await isFresh(module)) return;
  const go = findGo();
  if (go === undefined) throw new Error("No Go toolchain: install Go 1.26 or later");
  const since = performance.now();
  say(`building ${module.name} from its Go modules; the first time takes minutes`);
  // Beside the target, moved when whole: a cluster may be running the old program.
  const fresh = join(binFolder, `${module.name}.${process.pid}`);
  await mkdir(fresh, { recursive: true });
  const flags = ["-s", "-w", ...(module.variables ?? []).map((text) => `-X ${text}`)].join(" ");
  const packages = Object.keys(module.programs);
  const target = packages.length === 1 ? join(fresh, Object.values(module.programs)[0]!) : fresh;
  const cwd = join(import.meta.dirname, "go", module.name);
  const env = { CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "" };
  const options = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", flags];
  try {
    await run(
      [go, "build", ...options, "-o", `${target}${packages.length === 1 ? "" : "/"}`, ...packages],
      {
        cwd,
        env,
        timeoutMs: 1_800_000,
      },
    );
    for (const name of await readdir(fresh)) await rename(join(fresh, name), program(name));
    if (module.name === "kwok") {
      const source = await run([go, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], {
        cwd,
        env,
      });
      await writeFile(kwokStages, await stagesOf(join(source.trim(), "kustomize/stage")));
    }
    await writeFile(stampFile(module), await stamp(module));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  say(`${module.name} built in ${((performance.now() - since) / 1000).toFixed(1)} s`);
}

/** kwok does nothing without being told what pods and nodes go through; it brings that along as files. */
async function stagesOf(folder: string): Promise<string> {
  const texts: string[] = [];
  for (const part of ["node/fast", "node/heartbeat-with-lease", "pod/fast"])
    for (const name of (await readdir(join(folder, part))).sort())
      if (name.endsWith(".yaml") && name !== "kustomization.yaml")
        texts.push(await readFile(join(folder, part, name), "utf8"));
  return texts.join("\n---\n");
}

async function isFresh(module: Module): Promise<boolean> {
  const all = Object.values(module.programs).every((name) => existsSync(program(name)));
  return all && readIf(stampFile(module)) === (await stamp(module));
}
const stampFile = ({ name }: Module): string => join(binFolder, `${name}.stamp`);

/** Of all that decides what is built. */
async function stamp(module: Module): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(module));
  const folder = join(import.meta.dirname, "go", module.name);
  for (const name of (await readdir(folder)).sort())
    hash.update(basename(name)).update(await readFile(join(folder, name)));
  return hash.digest("hex");
}

/** What a real node runs that is not a Go module: Debian's packages. */
async function installPackages(say: (line: string) => void): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing];
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, timeoutMs: 300_000 };
  await run(install, options).catch(async () => {
    await run(["apt-get", "update", "-qq"], options);
    await run(install, options);
  });
  say(`installed ${missing.join(", ")}`);
}
