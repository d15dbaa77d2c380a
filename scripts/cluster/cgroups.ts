/** The cgroup of a real node, in version 1 (one in each hierarchy) and version 2 (one). */
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = "/sys/fs/cgroup";
const isVersion2 = (): boolean => existsSync(join(root, "cgroup.controllers"));

/** The folders that a cgroup of that name has, made or not. */
export function groupsOf(name: string): readonly string[] {
  if (isVersion2()) return [join(root, name)];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, "cgroup.procs")))
    .map((entry) => join(root, entry.name, name));
}

export async function makeGroups(name: string): Promise<void> {
  for (const folder of groupsOf(name)) await mkdir(folder, { recursive: true });
  if (isVersion2()) {
    const wanted = ["cpu", "cpuset", "io", "memory", "pids", "hugetlb"];
    const had = (await readFile(join(root, "cgroup.controllers"), "utf8")).trim().split(" ");
    const text = wanted.filter((one) => had.includes(one)).map((one) => `+${one}`);
    await writeFile(join(root, "cgroup.subtree_control"), text.join(" "));
    return;
  }
  // Version 1: a new cpuset is empty, and no process fits into it.
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const above = join(root, "cpuset", file);
    if (existsSync(above)) await writeFile(join(root, "cpuset", name, file), await readFile(above));
  }
}
