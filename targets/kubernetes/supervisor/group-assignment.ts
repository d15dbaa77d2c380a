import type { Clock, Log } from "#core/ports/platform.ts";
import type { PodRecord, ToGroup } from "../messages.ts";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import type { Group } from "./group.ts";
import { hostNetworkGroup, type Routes } from "./routes.ts";

export interface GroupAssignmentDeps {
  readonly isolation: "namespace" | "shared";
  readonly routes: Routes;
  readonly clock: Pick<Clock, "after">;
  readonly log: Log;
  create(name: string): Group;
}
/** Which pod is hosted by which group; groups come with their first pod and go some time after their last. */
export interface GroupAssignment {
  put(pod: PodRecord): void;
  remove(uid: string): void;
  group(name: string): Group | undefined;
  /** The group that hosts the app of that TLS server name. */
  groupOf(serverName: string): Group | undefined;
  podOf(uid: string): PodRecord | undefined;
  readonly groups: readonly Group[];
  tellAll(message: ToGroup): void;
  drain(idleMs: number, graceMs: number): Promise<void>;
}

interface AssignedPod {
  readonly pod: PodRecord;
  readonly group: Group;
  readonly serverName: string;
}

/** An empty group's process stays for a while: the next Job of a namespace comes soon. */
const emptyMs = 60_000;

export function createGroupAssignment({
  isolation,
  routes,
  clock,
  log,
  create,
}: GroupAssignmentDeps): GroupAssignment {
  const groups = new Map<string, Group>();
  const pods = new Map<string, AssignedPod>();
  /** What keeps a group that is empty from its end. */
  const empty = new Map<Group, () => void>();
  let isDraining = false;

  function nameFor({ namespace, hostNetwork, settings }: PodRecord): string {
    if (hostNetwork && isolation === "namespace") return hostNetworkGroup;
    if (settings.isolation === "dedicated" && !hostNetwork)
      return `dedicated/${namespace}/${settings.appId}`;
    return isolation === "shared" ? "shared" : `namespace/${namespace}`;
  }
  function close(group: Group): void {
    empty.delete(group);
    if (group.pods.size > 0 || groups.get(group.name) !== group) return;
    groups.delete(group.name);
    log.info(`Group ${group.name} has had no pods for a while; its process ends`);
    void group.drain(0, 10_000);
  }
  function groupFor(pod: PodRecord): Group {
    const name = nameFor(pod);
    let group = groups.get(name);
    if (!group) groups.set(name, (group = create(name)));
    empty.get(group)?.();
    empty.delete(group);
    return group;
  }
  function leave(group: Group, uid: string): void {
    group.remove(uid);
    if (group.pods.size > 0 || empty.has(group)) return;
    empty.set(
      group,
      clock.after(emptyMs, () => close(group)),
    );
  }
  return {
    put: (pod) => {
      // A group that begins now would not end with the others.
      if (isDraining && !groups.has(nameFor(pod))) return;
      const before = pods.get(pod.uid);
      const group = groupFor(pod);
      if (before && before.group !== group) leave(before.group, pod.uid);
      const { namespace, settings } = pod;
      const serverName = before?.serverName ?? serverNameOf({ namespace, appId: settings.appId });
      pods.set(pod.uid, { pod, group, serverName });
      routes.put(pod, group.name);
      group.put(pod);
    },
    remove: (uid) => {
      const entry = pods.get(uid);
      if (!entry) return;
      pods.delete(uid);
      routes.remove(uid);
      leave(entry.group, uid);
    },
    group: (name) => groups.get(name),
    groupOf: (serverName) => {
      for (const entry of pods.values()) if (entry.serverName === serverName) return entry.group;
      return undefined;
    },
    podOf: (uid) => pods.get(uid)?.pod,
    get groups() {
      return [...groups.values()];
    },
    tellAll: (message) => {
      for (const group of groups.values()) group.tell(message);
    },
    drain: async (idleMs, graceMs) => {
      isDraining = true;
      await Promise.all([...groups.values()].map((group) => group.drain(idleMs, graceMs)));
    },
  };
}
