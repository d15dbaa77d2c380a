import type { ComponentStatus } from "#k8s/operator/component-status.ts";
import type { ComponentReport, PodRecord } from "../messages.ts";

/** What pods' apps say of their components, as one word of each app: replicas share their documents. */
export interface ComponentReports {
  take(pod: PodRecord, components: readonly ComponentReport[]): void;
  forget(uid: string): void;
}
interface Reported {
  readonly pod: PodRecord;
  readonly names: ReadonlySet<string>;
}

export function createComponentReports(
  status: Pick<ComponentStatus, "report" | "forget">,
): ComponentReports {
  const pods = new Map<string, Reported>();
  const isSameApp = (a: PodRecord, b: PodRecord): boolean =>
    a.namespace === b.namespace && a.settings.appId === b.settings.appId;
  return {
    take: (pod, components) => {
      const { namespace, settings } = pod;
      const app = { namespace, appId: settings.appId };
      const names = new Set(components.map(({ name }) => name));
      for (const name of pods.get(pod.uid)?.names ?? [])
        if (!names.has(name)) status.forget(app, name);
      pods.set(pod.uid, { pod, names });
      for (const { name, isReady, message } of components)
        status.report({ ...app, component: name, ready: isReady, message });
    },
    forget: (uid) => {
      const gone = pods.get(uid);
      if (!gone) return;
      pods.delete(uid);
      if ([...pods.values()].some(({ pod }) => isSameApp(pod, gone.pod))) return;
      status.forget({ namespace: gone.pod.namespace, appId: gone.pod.settings.appId });
    },
  };
}
