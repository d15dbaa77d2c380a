import type { App } from "#core/kernel/app.ts";
import type { AppRef } from "#core/ports/platform.ts";

/** What is kept of each app; see `HostedApp`. */
export interface AppReplica {
  readonly app: App;
  /** Tells the replicas of one app apart. */
  readonly instance: string;
}

/** The apps of a runtime: by namespace, then id, then instance. Namespace "a" of "b.c" must never meet "a.b" of "c". */
export interface AppInstances<R extends AppReplica> {
  add(replica: R): void;
  remove(replica: R): void;
  has(app: AppRef, instance: string): boolean;
  /** Replicas in turn, those that are available before those that are not. */
  find(app: AppRef): App | undefined;
  readonly all: readonly R[];
}

interface Replicas<R> {
  list: readonly R[];
  next: number;
}

export function createAppInstances<R extends AppReplica>(): AppInstances<R> {
  const apps = new Map<string, Map<string, Replicas<R>>>();
  const of = ({ namespace, appId }: AppRef): Replicas<R> | undefined =>
    apps.get(namespace)?.get(appId);
  return {
    add: (replica) => {
      const { namespace, appId } = replica.app;
      const neighbours = apps.get(namespace) ?? new Map<string, Replicas<R>>();
      apps.set(namespace, neighbours);
      const replicas = neighbours.get(appId);
      if (replicas) replicas.list = [...replicas.list, replica];
      else neighbours.set(appId, { list: [replica], next: 0 });
    },
    remove: (replica) => {
      const { namespace, appId } = replica.app;
      const replicas = of(replica.app);
      if (!replicas) return;
      replicas.list = replicas.list.filter((each) => each !== replica);
      if (replicas.list.length > 0) return;
      const neighbours = apps.get(namespace);
      neighbours?.delete(appId);
      if (neighbours?.size === 0) apps.delete(namespace);
    },
    has: (app, instance) => of(app)?.list.some((each) => each.instance === instance) ?? false,
    find: (app) => {
      const replicas = of(app);
      if (!replicas) return undefined;
      const { list } = replicas;
      if (list.length === 1) return (list[0] as R).app;
      for (let i = 0; i < list.length; i++) {
        const replica = list[replicas.next++ % list.length] as R;
        if (replica.app.health.isAvailable !== false) return replica.app;
      }
      return (list[replicas.next++ % list.length] as R).app;
    },
    get all() {
      return [...apps.values()].flatMap((neighbours) =>
        [...neighbours.values()].flatMap(({ list }) => list),
      );
    },
  };
}
