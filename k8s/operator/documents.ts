import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { type ListWatch, listWatch } from "#k8s/api/list-watch.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type DocumentKind, documentKinds, followKinds, type ServedKinds } from "./kinds.ts";

/** The dapr.io documents of some namespaces, kept up to date. */
export interface WatchedDocuments extends Disposable {
  /** Begins to hold a namespace's documents; one that is held stays as it is. */
  add(namespace: string): void;
  /** Forgets them. */
  remove(namespace: string): void;
  /** By kind, then by name; without status and bookkeeping. Empty for a namespace that is not held. */
  documentsOf(namespace: string): readonly KubeObject[];
  /** Called once for changes that come close together; what is given back takes the listener away. */
  onChange(listener: (namespace: string) => void): () => void;
  /**
   * Resolves once every kind that the cluster has was listed; that takes as long as rights are missing. Rejects
   * where the namespace is not held, or no longer.
   */
  synced(namespace: string): Promise<void>;
}
export interface WatchDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Changes are gathered for so long: who applies a folder changes many documents. */
const gatherMs = 50;

interface Held {
  /** By kind; replaced as a whole where the cluster comes to serve a newer version. */
  readonly watches: Map<DocumentKind, { readonly version: string; watch: ListWatch<KubeObject> }>;
  readonly synced: PromiseWithResolvers<void>;
  readonly stop: AbortController;
  /** Takes back a call of the listeners that is due. */
  cancel: (() => void) | undefined;
}

export function watchDocuments(client: KubeClient, deps: WatchDeps): WatchedDocuments {
  const { log, clock } = deps;
  const stop = new AbortController();
  const signal = AbortSignal.any([deps.signal, stop.signal]);
  const namespaces = new Map<string, Held>();
  const listeners = new Set<(namespace: string) => void>();
  let served: ServedKinds | undefined;

  function changed(namespace: string, held: Held): void {
    held.cancel ??= clock.after(gatherMs, () => {
      held.cancel = undefined;
      if (held.stop.signal.aborted) return;
      for (const listener of listeners)
        try {
          listener(namespace);
        } catch (reason) {
          log.error(`Could not take the documents of namespace ${namespace}: ${messageOf(reason)}`);
        }
    });
  }
  function open(namespace: string, held: Held, kind: DocumentKind, version: string): void {
    const before = held.watches.get(kind);
    if (before?.version === version) return;
    const watch = listWatch<KubeObject, KubeObject>(
      client,
      {
        path: `/apis/dapr.io/${version}/namespaces/${encodeURIComponent(namespace)}/${kind.plural}`,
        keep: documentOf,
      },
      {
        put: (document, former) => {
          // A status that was written changes nothing here; our own would go round in a circle.
          if (former === undefined || !isSame(document, former)) changed(namespace, held);
        },
        remove: () => changed(namespace, held),
      },
      { log, clock, signal: held.stop.signal },
    );
    // What the former version gave stays until the new one is listed.
    const opened = { version, watch: before?.watch ?? watch };
    held.watches.set(kind, opened);
    if (!before) return;
    void watch.synced.then(() => {
      opened.watch = watch;
      before.watch[Symbol.dispose]();
      changed(namespace, held);
    }, ignore);
  }
  function openAll(namespace: string, held: Held): void {
    if (!served) return;
    for (const [kind, version] of served) open(namespace, held, kind, version);
    void Promise.all([...held.watches.values()].map(({ watch }) => watch.synced)).then(
      () => held.synced.resolve(),
      ignore,
    );
  }
  void followKinds(
    client,
    (found) => {
      served = found;
      for (const [namespace, held] of namespaces) openAll(namespace, held);
    },
    { log, clock, signal },
  );

  return {
    add: (namespace) => {
      if (namespaces.has(namespace)) return;
      const end = new AbortController();
      const held: Held = {
        watches: new Map(),
        synced: Promise.withResolvers(),
        stop: end,
        cancel: undefined,
      };
      held.synced.promise.catch(ignore);
      const endWithAll = (): void => end.abort(signal.reason);
      if (signal.aborted) endWithAll();
      else signal.addEventListener("abort", endWithAll, { once: true, signal: end.signal });
      end.signal.addEventListener("abort", () => held.synced.reject(notHeld(namespace)));
      if (end.signal.aborted) held.synced.reject(notHeld(namespace));
      namespaces.set(namespace, held);
      openAll(namespace, held);
    },
    remove: (namespace) => {
      const held = namespaces.get(namespace);
      if (!held) return;
      namespaces.delete(namespace);
      held.cancel?.();
      held.stop.abort(notHeld(namespace));
    },
    documentsOf: (namespace) => {
      const held = namespaces.get(namespace);
      return documentKinds.flatMap((kind) =>
        [...(held?.watches.get(kind)?.watch.items ?? [])]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([, document]) => document),
      );
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    synced: (namespace) =>
      namespaces.get(namespace)?.synced.promise ?? Promise.reject(notHeld(namespace)),
    [Symbol.dispose]: () => {
      for (const held of namespaces.values()) held.cancel?.();
      namespaces.clear();
      stop.abort(new Error("documents are no longer watched"));
    },
  };
}

/** A document as it was written, as far as the API server kept it; of its metadata what says something. */
function documentOf(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { name, namespace, uid, generation, annotations } = metadata;
  const { "kubectl.kubernetes.io/last-applied-configuration": _applied, ...kept } =
    annotations ?? {};
  const { status: _status, ...document } = rest as Readonly<Record<string, unknown>>;
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(generation === undefined ? {} : { generation }),
      ...(Object.keys(kept).length === 0 ? {} : { annotations: kept }),
    },
    ...document,
  };
}

function isSame(one: KubeObject, other: KubeObject): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function notHeld(namespace: string): Error {
  return new Error(`the documents of namespace ${namespace} are not held`);
}
function ignore(): void {}
