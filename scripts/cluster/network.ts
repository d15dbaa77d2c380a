/**
 * A real node's network: a namespace held by a file in the cluster's folder, joined to this machine by a pair of
 * virtual interfaces. The second node hangs behind the first, as behind a router. Nothing leads further out.
 */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import type { NodePlaces, Places } from "./places.ts";
import { run, tryRun } from "./run.ts";

/** Before a command: it then lives in the node's network. `ip netns exec` would hide /sys/fs/cgroup. */
export function inNetwork({ network }: NodePlaces): readonly string[] {
  return ["nsenter", `--net=${network}`];
}

export async function openNetwork(places: Places, count: 1 | 2): Promise<void> {
  const { nodes, hostLink, hostAddress, linkBetween, podCidr } = places;
  const [first, second] = nodes;
  await makeNamespace(first);
  await ip(`link add ${hostLink} type veth peer name eth0 netns ${first.network}`);
  await ip(`addr add ${hostAddress}/30 dev ${hostLink}`);
  await ip(`link set ${hostLink} up`);
  await within(first, [
    `addr add ${first.ip}/30 dev eth0`,
    "link set eth0 up",
    `route add default via ${hostAddress}`,
  ]);
  await ip(`route add ${podCidr} via ${first.ip}`);
  if (count === 1) return;
  await makeNamespace(second);
  await within(first, [`link add second type veth peer name eth0 netns ${second.network}`]);
  await within(second, [
    `addr add ${second.ip}/30 dev eth0`,
    "link set eth0 up",
    `route add default via ${linkBetween}`,
  ]);
  await within(first, [
    `addr add ${linkBetween}/30 dev second`,
    "link set second up",
    `route add ${second.podCidr} via ${second.ip}`,
  ]);
  await ip(`route add ${second.ip}/32 via ${first.ip}`);
}

/** Once no process lives in them, the namespaces end with their files, and links and routes with them. */
export async function closeNetwork({ nodes, hostLink }: Places): Promise<void> {
  for (const { network } of nodes)
    if (existsSync(network)) {
      await tryRun(["umount", "-n", network]);
      await rm(network, { force: true });
    }
  // The kernel may take its time with a namespace; the next cluster of the slot wants the name.
  if (existsSync(`/sys/class/net/${hostLink}`)) await tryRun(["ip", "link", "del", hostLink]);
}

async function makeNamespace(node: NodePlaces): Promise<void> {
  await writeFile(node.network, "");
  await run(["unshare", `--net=${node.network}`, "true"]);
  await within(node, ["link set lo up"]);
  await run([...inNetwork(node), "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
}
async function ip(command: string): Promise<void> {
  await run(["ip", ...command.split(" ")]);
}
async function within(node: NodePlaces, commands: readonly string[]): Promise<void> {
  await run([...inNetwork(node), "ip", "-batch", "-"], { input: commands.join("\n") });
}
