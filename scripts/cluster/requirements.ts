/** Which clusters this machine can have. */
import { existsSync, accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { ClusterMode } from "./api.ts";

/** Also where an ordinary user's PATH does not look. */
const folders = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  "/usr/local/go/bin",
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
];
/** The full path of a program; `undefined`: not installed. */
export function find(name: string): string | undefined {
  for (const folder of folders) {
    const path = join(folder, name);
    if (folder !== "" && isProgram(path)) return path;
  }
  return undefined;
}
export const findGo = (): string | undefined => find("go");

/** What a real node needs, by the Debian package that brings it. */
const packages: Readonly<Record<string, readonly string[]>> = {
  containerd: ["containerd", "containerd-shim-runc-v2", "ctr"],
  runc: ["runc"],
  "containernetworking-plugins": ["/usr/lib/cni/bridge", "/usr/lib/cni/portmap"],
  "busybox-static": ["busybox"],
  iptables: ["iptables"],
  conntrack: ["conntrack"],
  ethtool: ["ethtool"],
  socat: ["socat"],
  iproute2: ["ip"],
};

/** The Debian packages that are not here. */
export function missingPackages(): readonly string[] {
  const here = (name: string): boolean =>
    name.startsWith("/") ? isProgram(name) : find(name) !== undefined;
  return Object.entries(packages)
    .filter(([, programs]) => !programs.every(here))
    .map(([name]) => name);
}

/** Why this machine cannot have such a cluster; `undefined`: it can. */
export function whyNot(mode: ClusterMode, built: boolean): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (!built && findGo() === undefined) return "no Go";
  if (find("kubectl") === undefined) return "no kubectl";
  if (mode === "control" || mode === "kwok") return undefined;
  if (process.getuid?.() !== 0) return "no root";
  if (!canMakeGroups()) return "no cgroups that can be written";
  for (const name of ["nsenter", "unshare", "bash"]) if (!find(name)) return `no ${name}`;
  const missing = missingPackages();
  if (missing.length > 0 && find("apt-get") === undefined)
    return `no ${missing.join(", ")} package`;
  return undefined;
}

/** True for version 1 (a folder for each controller) and version 2 alike. */
function canMakeGroups(): boolean {
  const root = "/sys/fs/cgroup";
  const one = existsSync(`${root}/cgroup.controllers`) ? root : `${root}/memory`;
  try {
    accessSync(one, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
