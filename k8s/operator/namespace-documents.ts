import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { type ListWatch, listWatch } from "#k8s/api/list-watch.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type DocumentKind, documentKinds, type ServedKinds } from "./kinds.ts";

/** The documents of one namespace. */
export interface NamespaceDocuments {
  /** Resolves once every kind that the cluster has was listed; rejects when it ends before. */
  readonly synced: Promise<void>;
  /** By kind, then by name. */
  list(): readonly KubeObject[];
  /** Watches these kinds in these versions. */
  watch(served: ServedKinds): void;
  stop(): void;
}
export interface NamespaceDocumentsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once for changes that come close together. */
  changed(): void;
}

/** Changes are gathered for so long: who applies a folder changes many documents. */
const gatherMs = 50;

export function watchNamespace(
  client: KubeClient,
  namespace: string,
  { log, clock, signal, changed }: NamespaceDocumentsOptions,
): NamespaceDocuments {
  /** By kind; replaced as a whole where the cluster comes to serve a newer version. */
  const watches = new Map<
    DocumentKind,
    { readonly version: string; watch: ListWatch<KubeObject> }
  >();
  const synced = Promise.withResolvers<void>();
  synced.promise.catch(ignore);
  const end = new AbortController();
  const endWithAll = (): void => end.abort(signal.reason);
  if (signal.aborted) endWithAll();
  else signal.addEventListener("abort", endWithAll, { once: true, signal: end.signal });
  end.signal.addEventListener("abort", () => synced.reject(notHeld(namespace)));
  if (end.signal.aborted) synced.reject(notHeld(namespace));
  /** Takes back a call of `changed` that is due. */
  let cancel: (() => void) | undefined;

  function gather(): void {
    cancel ??= clock.after(gatherMs, () => {
      cancel = undefined;
      if (!end.signal.aborted) changed();
    });
  }
  function open(kind: DocumentKind, version: string): void {
    const before = watches.get(kind);
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
          if (former === undefined || !isSame(document, former)) gather();
        },
        remove: () => gather(),
      },
      { log, clock, signal: end.signal },
    );
    // What the former version gave stays until the new one is listed.
    const opened = { version, watch: before?.watch ?? watch };
    watches.set(kind, opened);
    if (!before) return;
    void watch.synced.then(() => {
      opened.watch = watch;
      before.watch[Symbol.dispose]();
      gather();
    }, ignore);
  }

  return {
    synced: synced.promise,
    list: () =>
      documentKinds.flatMap((kind) =>
        [...(watches.get(kind)?.watch.items ?? [])]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([, document]) => document),
      ),
    watch: (served) => {
      for (const [kind, version] of served) open(kind, version);
      void Promise.all([...watches.values()].map(({ watch }) => watch.synced)).then(
        () => synced.resolve(),
        ignore,
      );
    },
    stop: () => {
      cancel?.();
      end.abort(notHeld(namespace));
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

export function notHeld(namespace: string): Error {
  return new Error(`the documents of namespace ${namespace} are not held`);
}
function ignore(): void {}
