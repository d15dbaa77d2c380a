import type { PodRecord } from "../messages.ts";

/** Which group a connection belongs to, as far as its address tells. */
export interface Routes {
  put(pod: PodRecord, group: string): void;
  remove(uid: string): void;
  /** `unknown` with the groups that it could be of: those with pods that have no address yet. */
  of(address: string): { readonly group: string } | { readonly candidates: ReadonlySet<string> };
  /** By SHA-256 of an API token. */
  withToken(hash: string): string | undefined;
  withUid(uid: string): string | undefined;
}

/** Pods that share the node's network are told apart by nothing but their tokens, so one group has them all. */
export const hostNetworkGroup = "host-network";

interface Entry {
  readonly pod: PodRecord;
  readonly group: string;
}

/** `isTold`: false where callers come through something that changes their addresses, which then say nothing. */
export function createRoutes(hostIps: readonly string[], isTold = true): Routes {
  const hosts = new Set([...hostIps, "127.0.0.1", "::1"]);
  /** Without any, a call from the node is too early, or nobody's. */
  const hostPods = new Set<string>();
  const byUid = new Map<string, Entry>();
  const byIp = new Map<string, Entry>();
  const byHash = new Map<string, Entry>();
  function remove(uid: string): void {
    const entry = byUid.get(uid);
    if (!entry) return;
    byUid.delete(uid);
    hostPods.delete(uid);
    // Another pod may have got the address already.
    for (const ip of entry.pod.ips) if (byIp.get(ip) === entry) byIp.delete(ip);
    if (byHash.get(entry.pod.tokenHash) === entry) byHash.delete(entry.pod.tokenHash);
  }
  return {
    put: (pod, group) => {
      remove(pod.uid);
      const entry: Entry = { pod, group };
      byUid.set(pod.uid, entry);
      // Their addresses are their nodes', of which a Deployment has many.
      if (pod.hostNetwork) {
        hostPods.add(pod.uid);
        for (const ip of pod.ips) hosts.add(ip);
      } else for (const ip of pod.ips) byIp.set(ip, entry);
      // A copy of a pod's annotations takes nothing from the pod.
      if (pod.tokenHash !== "" && !byHash.has(pod.tokenHash)) byHash.set(pod.tokenHash, entry);
    },
    remove,
    of: (address) => {
      if (!isTold) return { candidates: new Set([...byUid.values()].map(({ group }) => group)) };
      if (hostPods.size > 0 && hosts.has(address)) return { group: hostNetworkGroup };
      const entry = byIp.get(address);
      if (entry) return { group: entry.group };
      const candidates = new Set<string>();
      if (hosts.has(address)) return { candidates };
      for (const { pod, group } of byUid.values())
        if (pod.ips.length === 0 && !pod.hostNetwork) candidates.add(group);
      return { candidates };
    },
    withToken: (hash) => byHash.get(hash)?.group,
    withUid: (uid) => byUid.get(uid)?.group,
  };
}
