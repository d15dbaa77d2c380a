import type { App } from "#core/kernel/app.ts";
import type { Rejection } from "#targets/node/listen/app-finder.ts";
import { foreign } from "./rejections.ts";

/** A pod whose app is hosted here, or is about to be. */
export interface CallingPod {
  readonly uid: string;
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
  /** SHA-256 texts of the tokens that are its own. */
  readonly tokenHashes: readonly string[];
  /** Settles when its components are open. */
  readonly app: App | Promise<App>;
}
/** The pods of the group, by what a call shows. */
export interface PodIndex {
  put(pod: CallingPod): void;
  /** False where it was not there. */
  remove(uid: string): boolean;
  at(address: string): CallingPod | undefined;
  /** By the SHA-256 text of its token; `foreign` where the address is not that of a pod that has it. */
  withToken(digest: string, address: string | undefined): CallingPod | Rejection | undefined;
  withUid(uid: string, address: string | undefined): CallingPod | Rejection | undefined;
  /** Whether a pod with that token has no address yet: a call that seems to be foreign may be its own. */
  isTokenOfEarlyPod(digest: string): boolean;
  /** Whether that pod has none. */
  isEarly(uid: string): boolean;
}
export interface PodIndexOptions {
  /** Addresses of the node, which pods with `hostNetwork` call from. */
  readonly hostIps: readonly string[];
  /** False where callers come through something that changes their address. */
  readonly checkSourceIp: boolean;
}

export function createPodIndex({ hostIps, checkSourceIp }: PodIndexOptions): PodIndex {
  const pods = new Map<string, CallingPod>();
  const byHash = new Map<string, CallingPod[]>();
  const byIp = new Map<string, CallingPod>();
  const hosts = new Set([...hostIps, "127.0.0.1", "::1"]);

  function comesFrom(pod: CallingPod, address: string | undefined): boolean {
    if (!checkSourceIp || address === undefined) return true;
    if (pod.hostNetwork) return hosts.has(address) || pod.ips.includes(address);
    // A pod calls before its address is known; whoever has that address already is another.
    if (pod.ips.length === 0) return !hosts.has(address) && !byIp.has(address);
    return pod.ips.includes(address);
  }
  function remove(uid: string): boolean {
    const pod = pods.get(uid);
    if (!pod) return false;
    pods.delete(uid);
    for (const each of pod.tokenHashes) {
      const left = (byHash.get(each) ?? []).filter((other) => other !== pod);
      if (left.length > 0) byHash.set(each, left);
      else byHash.delete(each);
    }
    // An address that is used again at once is the next pod's already.
    for (const ip of pod.ips) if (byIp.get(ip) === pod) byIp.delete(ip);
    return true;
  }
  return {
    put: (pod) => {
      remove(pod.uid);
      pods.set(pod.uid, pod);
      for (const each of pod.tokenHashes) byHash.set(each, [...(byHash.get(each) ?? []), pod]);
      if (!pod.hostNetwork) for (const ip of pod.ips) byIp.set(ip, pod);
    },
    remove,
    at: (address) => byIp.get(address),
    withToken: (digest, address) => {
      const found = byHash.get(digest);
      if (!found) return undefined;
      for (const pod of found) if (comesFrom(pod, address)) return pod;
      return foreign;
    },
    withUid: (uid, address) => {
      const pod = pods.get(uid);
      return !pod || comesFrom(pod, address) ? pod : foreign;
    },
    isTokenOfEarlyPod: (digest) => byHash.get(digest)?.some(isEarly) ?? false,
    isEarly: (uid) => {
      const pod = pods.get(uid);
      return pod !== undefined && isEarly(pod);
    },
  };
}

/** It may come from an address that was another's a moment ago. */
function isEarly(pod: CallingPod): boolean {
  return !pod.hostNetwork && pod.ips.length === 0;
}
