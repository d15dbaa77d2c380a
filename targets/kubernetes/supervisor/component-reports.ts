import type { ComponentStatus } from "#k8s/operator/component-status.ts";
import type { ComponentReport, PodRecord } from "../messages.ts";

/**
 * What pods' apps say of their components, as one word of each app: replicas share their documents. Each says a thing
 * once; the word is that of the worst of those that are there.
 */
export interface ComponentReports {
  take(pod: PodRecord, components: readonly ComponentReport[]): void;
  forget(uid: string): void;
}
type Components = ReadonlyMap<string, ComponentReport>;
interface Reported {
  readonly pod: PodRecord;
  readonly components: Components;
}

export function createComponentReports(
  status: Pick<ComponentStatus, "report" | "forget">,
): ComponentReports {
  const pods = new Map<string, Reported>();
  /** What was said last of each app. */
  const told = new Map<string, Components>();

  /** Says what has changed of the app, now that its pods are those in `pods`. */
  function tell(of: PodRecord): void {
    const app = { namespace: of.namespace, appId: of.settings.appId };
    const key = keyOf(of);
    const replicas = [...pods.values()].filter(({ pod }) => keyOf(pod) === key);
    if (replicas.length === 0) {
      if (told.delete(key)) status.forget(app);
      return;
    }
    const now = worstOf(replicas);
    const before = told.get(key);
    told.set(key, now);
    for (const name of before?.keys() ?? []) if (!now.has(name)) status.forget(app, name);
    for (const [name, { isReady, message }] of now) {
      const former = before?.get(name);
      if (former?.isReady === isReady && former.message === message) continue;
      status.report({ ...app, component: name, ready: isReady, message });
    }
  }
  return {
    take: (pod, components) => {
      const before = pods.get(pod.uid)?.pod;
      pods.set(pod.uid, { pod, components: new Map(components.map((each) => [each.name, each])) });
      tell(pod);
      if (before && keyOf(before) !== keyOf(pod)) tell(before);
    },
    forget: (uid) => {
      const gone = pods.get(uid)?.pod;
      if (!gone) return;
      pods.delete(uid);
      tell(gone);
    },
  };
}

/** Of the components that failed for several, what the first of them said: it does not change with the others. */
function worstOf(replicas: readonly Reported[]): Components {
  const worst = new Map<string, ComponentReport>();
  for (const { components } of replicas)
    for (const [name, component] of components)
      if (worst.get(name)?.isReady ?? true) worst.set(name, component);
  return worst;
}
function keyOf({ namespace, settings }: PodRecord): string {
  return `${namespace}/${settings.appId}`;
}
