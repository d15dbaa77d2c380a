import type { Pod } from "#k8s/api/objects.ts";
import { ownerOf, type SeenPod } from "./pod-record.ts";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
/** Writes an Event about a pod. */
export type Warn = (about: PodName, reason: string, message: string) => void;

/** Tells of two workloads with one app id in a namespace: calls to it reach now one, now the other. Replicas of one workload are not duplicates. */
export interface Duplicates {
  see(pod: Pod, seen: SeenPod): void;
  /** The pod is gone, or its app is: what comes after it has its id alone. */
  forget(uid: string): void;
}

export function createDuplicates(warn: Warn): Duplicates {
  /** Owners of the pods that are there, by app and then by pod. */
  const apps = new Map<string, Map<string, string>>();
  const byPod = new Map<string, string>();
  const told = new Set<string>();
  function forget(uid: string): void {
    const key = byPod.get(uid);
    if (key === undefined) return;
    byPod.delete(uid);
    told.delete(uid);
    const pods = apps.get(key);
    pods?.delete(uid);
    if (pods?.size === 0) apps.delete(key);
  }
  return {
    forget,
    see: (pod, { uid, namespace, name, record }) => {
      // A pod that ends while its successor starts is nobody's mistake.
      if (!record || record.isEnding) return forget(uid);
      const key = JSON.stringify([namespace, record.settings.appId]);
      if (byPod.get(uid) !== key) forget(uid);
      byPod.set(uid, key);
      const pods = apps.get(key) ?? new Map<string, string>();
      const owner = ownerOf(pod);
      apps.set(key, pods.set(uid, owner));
      if (told.has(uid)) return;
      const other = [...pods.values()].find((each) => each !== owner);
      if (other === undefined) return;
      told.add(uid);
      warn(
        { namespace, name, uid },
        "DuplicateAppId",
        `app id "${record.settings.appId}" is also that of ${other}: calls to it reach either; give one of them another dapr.io/app-id`,
      );
    },
  };
}
