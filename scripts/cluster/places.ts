/** Where a cluster keeps its things, and the names, ports and addresses that are its own. */
import { homedir } from "node:os";
import { join } from "node:path";

const cacheHome = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
/** Everything that the tool writes is in here. */
export const cacheFolder: string = join(cacheHome, "outrigger-cluster");
export const binFolder: string = join(cacheFolder, "bin");
export const imagesFolder: string = join(cacheFolder, "images");
/** A folder for each cluster, named after its slot; OUTRIGGER_CLUSTER_RUN moves it. */
export const runFolder: string = process.env["OUTRIGGER_CLUSTER_RUN"] ?? join(cacheFolder, "run");

export const clusterDomain = "cluster.local";
export const serviceCidr = "10.96.0.0/16";
/** The first of `serviceCidr`: the Service `kubernetes`. */
export const serviceOfApi = "10.96.0.1";
export const slots = 50;

export interface Ports {
  readonly api: number;
  readonly controllers: number;
  readonly scheduler: number;
  readonly etcd: number;
  readonly etcdPeer: number;
}

export interface NodePlaces {
  readonly name: string;
  readonly ip: string;
  readonly podCidr: string;
  /** All that the node keeps on disk. */
  readonly folder: string;
  /** The file that holds its network namespace. */
  readonly network: string;
  /** Name of its cgroup, in each hierarchy. */
  readonly cgroup: string;
  readonly containerd: string;
}

export interface Places {
  readonly slot: number;
  readonly folder: string;
  readonly pki: string;
  readonly log: string;
  readonly ports: Ports;
  /** This machine's end of the link to the first node. */
  readonly hostAddress: string;
  readonly hostLink: string;
  /** The first node's end of the link to the second. */
  readonly linkBetween: string;
  /** Every pod of the cluster. */
  readonly podCidr: string;
  readonly nodes: readonly [NodePlaces, NodePlaces];
}

/** What belongs to a slot, used or not. OUTRIGGER_CLUSTER_PORT is slot 0's first port (default: 14000). */
export function placesOf(slot: number): Places {
  if (!Number.isInteger(slot) || slot < 0 || slot >= slots)
    throw new Error(`A cluster's slot is a number from 0 to ${slots - 1}, not "${slot}"`);
  const folder = join(runFolder, String(slot));
  const first = Number(process.env["OUTRIGGER_CLUSTER_PORT"] ?? 14_000) + 10 * slot;
  const node = (letter: string, ip: string, podCidr: string): NodePlaces => ({
    name: `node-${letter}`,
    ip,
    podCidr,
    folder: join(folder, `node-${letter}`),
    network: join(folder, `node-${letter}.net`),
    cgroup: `outrigger-${slot}-${letter}`,
    containerd: join(folder, `node-${letter}`, "containerd.sock"),
  });
  return {
    slot,
    folder,
    pki: join(folder, "pki"),
    log: join(folder, "log"),
    ports: {
      api: first,
      controllers: first + 1,
      scheduler: first + 2,
      etcd: first + 3,
      etcdPeer: first + 4,
    },
    hostAddress: `10.199.${slot}.1`,
    hostLink: `outrigger${slot}`,
    linkBetween: `10.199.${slot}.5`,
    podCidr: `10.${100 + slot}.0.0/16`,
    nodes: [
      node("a", `10.199.${slot}.2`, `10.${100 + slot}.0.0/24`),
      node("b", `10.199.${slot}.6`, `10.${100 + slot}.1.0/24`),
    ],
  };
}
