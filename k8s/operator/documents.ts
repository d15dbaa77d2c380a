import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { followKinds, type ServedKinds } from "./kinds.ts";
import { type NamespaceDocuments, notHeld, watchNamespace } from "./namespace-documents.ts";

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

export function watchDocuments(client: KubeClient, deps: WatchDeps): WatchedDocuments {
  const { log, clock } = deps;
  const stop = new AbortController();
  const signal = AbortSignal.any([deps.signal, stop.signal]);
  const namespaces = new Map<string, NamespaceDocuments>();
  const listeners = new Set<(namespace: string) => void>();
  let served: ServedKinds | undefined;

  function changed(namespace: string): void {
    for (const listener of listeners)
      try {
        listener(namespace);
      } catch (reason) {
        log.error(`Could not take the documents of namespace ${namespace}: ${messageOf(reason)}`);
      }
  }
  void followKinds(
    client,
    (found) => {
      served = found;
      for (const held of namespaces.values()) held.watch(found);
    },
    { log, clock, signal },
  );

  return {
    add: (namespace) => {
      if (namespaces.has(namespace)) return;
      const held = watchNamespace(client, namespace, {
        log,
        clock,
        signal,
        changed: () => changed(namespace),
      });
      namespaces.set(namespace, held);
      if (served) held.watch(served);
    },
    remove: (namespace) => {
      const held = namespaces.get(namespace);
      namespaces.delete(namespace);
      held?.stop();
    },
    documentsOf: (namespace) => namespaces.get(namespace)?.list() ?? [],
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    synced: (namespace) => namespaces.get(namespace)?.synced ?? Promise.reject(notHeld(namespace)),
    [Symbol.dispose]: () => {
      for (const held of namespaces.values()) held.stop();
      namespaces.clear();
      stop.abort(new Error("documents are no longer watched"));
    },
  };
}
