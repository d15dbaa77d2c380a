import type { KubeObject } from "#k8s/api/objects.ts";
import type { ComponentReport, NodeState } from "./component-state.ts";
import { safeMessage } from "./safe-message.ts";

/** What is known of one component: what the apps of this node and its document say, and what the cluster was told. */
export interface ComponentRecord {
  readonly namespace: string;
  readonly name: string;
  readonly apps: Map<string, Pick<ComponentReport, "ready" | "message">>;
  invalid: string | undefined;
  /** Of the document that `invalid` is about. */
  invalidUid: string | undefined;
  /** What was told last; nothing is known of what a former process told until the object is read. */
  told: NodeState | undefined;
  /** Of the object that was last looked at. */
  uid: string | undefined;
  /** When it is to be written, in `time()`; `undefined`: nothing has changed. */
  dueAt: number | undefined;
  failures: number;
}

/** What the apps of this node make of components. */
export interface ComponentRecords {
  readonly all: ReadonlyMap<string, ComponentRecord>;
  /** Replaces what the app said of the component before. */
  report(report: ComponentReport): void;
  /** The app no longer loads the component; without a name, any. */
  forget(app: { readonly namespace: string; readonly appId: string }, component?: string): void;
  /** The document of a component cannot be used, and why; without a reason it can, or is gone. */
  invalid(document: KubeObject["metadata"], why?: string): void;
  /** All documents of a namespace as they are now. */
  documents(namespace: string, documents: readonly KubeObject[]): void;
  namespaceGone(namespace: string): void;
  knows(namespace: string, component: string): boolean;
  /** Forgets a component of which nobody has anything to say any more. */
  forgetUnused(record: ComponentRecord): void;
}

/** Components that are remembered; further ones are not told. */
const most = 20_000;

/** `changed` is called for each component of which there is something else to say. */
export function createComponentRecords(
  changed: (record: ComponentRecord) => void,
): ComponentRecords {
  const all = new Map<string, ComponentRecord>();

  function open(namespace: string, name: string): ComponentRecord | undefined {
    const key = `${namespace}/${name}`;
    let found = all.get(key);
    if (!found && all.size < most) {
      found = {
        namespace,
        name,
        apps: new Map(),
        invalid: undefined,
        invalidUid: undefined,
        told: undefined,
        uid: undefined,
        dueAt: undefined,
        failures: 0,
      };
      all.set(key, found);
    }
    return found;
  }
  function drop(each: ComponentRecord, appId: string): void {
    if (each.apps.delete(appId)) changed(each);
  }
  function clear(each: ComponentRecord): void {
    if (each.invalid === undefined) return;
    each.invalid = undefined;
    each.invalidUid = undefined;
    changed(each);
  }

  return {
    all,
    report: ({ namespace, component, appId, ready, message }) => {
      const each = open(namespace, component);
      if (!each) return;
      const before = each.apps.get(appId);
      // Kept no longer than it can be told.
      const next =
        ready || message === undefined ? { ready } : { ready, message: safeMessage(message) };
      if (before && before.ready === ready && before.message === next.message) return;
      each.apps.set(appId, next);
      changed(each);
    },
    forget: ({ namespace, appId }, component) => {
      if (component === undefined) {
        for (const each of all.values()) if (each.namespace === namespace) drop(each, appId);
        return;
      }
      const each = all.get(`${namespace}/${component}`);
      if (each) drop(each, appId);
    },
    invalid: ({ namespace = "", name = "", uid }, why) => {
      const each = why === undefined ? all.get(`${namespace}/${name}`) : open(namespace, name);
      if (!each) return;
      if (why === undefined) return clear(each);
      if (each.invalid === why && each.invalidUid === uid) return;
      each.invalid = why;
      each.invalidUid = uid;
      changed(each);
    },
    documents: (namespace, documents) => {
      const uids = new Map<string, string | undefined>();
      for (const { kind, metadata } of documents)
        if (kind === "Component") uids.set(metadata.name ?? "", metadata.uid);
      for (const each of all.values()) {
        if (each.namespace !== namespace) continue;
        const uid = uids.get(each.name);
        if (!uids.has(each.name) || uid !== each.invalidUid) clear(each);
        if (!uids.has(each.name) || uid === each.uid) continue;
        each.told = undefined;
        changed(each);
      }
    },
    namespaceGone: (namespace) => {
      for (const each of all.values()) if (each.namespace === namespace) clear(each);
    },
    knows: (namespace, component) => all.has(`${namespace}/${component}`),
    forgetUnused: (each) => {
      if (each.apps.size === 0 && each.invalid === undefined && each.dueAt === undefined)
        all.delete(`${each.namespace}/${each.name}`);
    },
  };
}
