import type { Pod } from "#k8s/api/objects.ts";
import { ownerOf, type SeenPod } from "./pod-record.ts";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
/** Writes an Event about a pod. */
export type Warn = (about: PodName, reason: string, message: string) => void;

/** Tells of two workloads with one app id in a namespace: calls to it reach now one, now the other. Replicas of one workload are no duplicates. */
export function createDuplicates(warn: Warn): { see(pod: Pod, seen: SeenPod): void } {
  const owners = new Map<string, { readonly owner: string; readonly uid: string }>();
  const told = new Set<string>();
  return {
    see: (pod, { uid, namespace, name, record }) => {
      // Jobs of one CronJob, and a pod that ends while its successor starts, are nobody's mistake.
      if (!record || record.isEnding) return;
      const key = JSON.stringify([namespace, record.settings.appId]);
      const owner = ownerOf(pod);
      const first = owners.get(key);
      if (!first || first.owner === owner || first.uid === uid) {
        owners.set(key, { owner, uid });
        return;
      }
      owners.set(key, { owner, uid });
      if (told.has(uid)) return;
      told.add(uid);
      if (told.size > 10_000) told.clear();
      warn(
        { namespace, name, uid },
        "DuplicateAppId",
        `app id "${record.settings.appId}" is also that of ${first.owner}: calls to it reach either; give one of them another dapr.io/app-id`,
      );
    },
  };
}
