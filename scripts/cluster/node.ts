/** A real node: containerd, kubelet, kube-proxy and, on the first, the cluster's DNS. */
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "./ask.ts";
import { groupsOf, makeGroups } from "./cgroups.ts";
import { deathOf, logEnd } from "./control-plane.ts";
import { inNetwork } from "./network.ts";
import { writeNodeFiles } from "./node-files.ts";
import { type NodePlaces, type Places, binFolder } from "./places.ts";
import { pidOf, startProcess } from "./processes.ts";
import { run, tryRun } from "./run.ts";

/** Starts containerd; the rest waits for `finishNode`. */
export async function beginNode(places: Places, node: NodePlaces): Promise<void> {
  for (const part of ["cni", "containerd", "kubelet", "pod-logs"])
    await mkdir(join(node.folder, part), { recursive: true });
  await Promise.all([writeNodeFiles(places, node), makeGroups(node.cgroup)]);
  startProcess(places.folder, node.name, [
    ...inNetwork(node),
    ..."unshare --mount --pid --fork --mount-proc --kill-child=SIGKILL bash".split(" "),
    join(import.meta.dirname, "node-init.sh"),
    node.folder,
    binFolder,
    node.name,
    node.ip,
  ]);
  await until(
    `containerd of ${node.name} does not answer`,
    async () => (await tryRun(["ctr", "-a", node.containerd, "version"])).code === 0,
    {
      withinMs: 20_000,
      failed: () => deathOf(places, node.name),
    },
  ).catch((reason: unknown) => {
    const log = logEnd(places, `containerd-${node.name}`, 1500);
    throw new Error(`${(reason as Error).message}\n${log}`, { cause: reason });
  });
}

/** Imports an OCI archive under the names that it has. */
export async function importImage(node: NodePlaces, archive: string): Promise<void> {
  await run(["ctr", "-a", node.containerd, "-n", "k8s.io", "images", "import", archive]);
}

/** Lets kubelet and the others start: the API server must be ready. */
export async function finishNode(node: NodePlaces): Promise<void> {
  await writeFile(join(node.folder, "go"), "");
}

/** Before a command: it then runs in all of the node's namespaces. */
export async function onNode(places: Places, node: NodePlaces): Promise<readonly string[]> {
  const outer = pidOf(places.folder, node.name);
  if (outer === undefined) throw new Error(`${node.name} is not running`);
  const children = await readFile(`/proc/${outer}/task/${outer}/children`, "utf8");
  return ["nsenter", `--target=${children.trim()}`, "--net", "--mount", "--pid"];
}

/** Removes the cgroups of a node whose processes are dead. The kernel needs a moment to see the last of them out. */
export async function removeGroups({ cgroup }: NodePlaces): Promise<void> {
  for (const deadline = Date.now() + 5000; ;) {
    const left = groupsOf(cgroup).filter(existsSync);
    if (left.length === 0) return;
    try {
      for (const folder of left) await removeTree(folder);
    } catch (reason) {
      if (Date.now() > deadline) throw reason;
      await delay(50);
    }
  }
}

/** Only folders can be removed there; the files in them go along. */
async function removeTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder);
}
