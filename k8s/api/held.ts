import type { Log } from "#core/ports/platform.ts";
import type { KubeObject } from "./objects.ts";

/** Whom a change is told. What these throw is logged, and ends nothing. */
export interface Changes<K> {
  /** It is new (no `before`), or has changed. */
  put(kept: K, before?: K): void;
  remove(kept: K): void;
  /** All that was there at first has been put; once. */
  synced?(): void;
}
/** What is kept of the objects of a collection. */
export interface Held<K> {
  readonly items: ReadonlyMap<string, K>;
  put(object: KubeObject): void;
  remove(object: KubeObject): void;
  /** Takes the objects of a list; what changed is told by `replace`, removals first. */
  startReplacing(): { add(object: KubeObject): void; replace(): void };
}

interface Entry<K> {
  readonly kept: K;
  readonly uid: string | undefined;
  readonly version: string | undefined;
}

/** `keep`: what to hold of an object; `undefined`, or a throw, holds nothing. */
export function createHeld<T extends KubeObject, K>(
  keep: (object: T) => K | undefined,
  changes: Changes<K>,
  log: Log,
): Held<K> {
  const items = new Map<string, K>();
  const marks = new Map<string, Pick<Entry<K>, "uid" | "version">>();
  const tell = (what: string, key: string, run: () => void): void => {
    try {
      run();
    } catch (reason) {
      log.error(`Could not ${what} ${key}: ${String(reason)}`);
    }
  };
  function drop(key: string): void {
    const kept = items.get(key);
    if (!marks.delete(key)) return;
    items.delete(key);
    tell("remove", key, () => changes.remove(kept as K));
  }
  function set(key: string, { kept, uid, version }: Entry<K>): void {
    const mark = marks.get(key);
    // Another object by the same name: whatever belonged to the first one ends.
    if (mark !== undefined && mark.uid !== uid) drop(key);
    else if (mark !== undefined && mark.version === version && version !== undefined) return;
    const isKnown = marks.has(key);
    const before = items.get(key);
    marks.set(key, { uid, version });
    items.set(key, kept);
    tell("take", key, () => (isKnown ? changes.put(kept, before) : changes.put(kept)));
  }
  function entryOf(object: KubeObject): Entry<K> | undefined {
    let kept: K | undefined;
    tell("read", keyOf(object), () => {
      kept = keep(object as T);
    });
    if (kept === undefined) return undefined;
    return { kept, uid: object.metadata.uid, version: object.metadata.resourceVersion };
  }
  return {
    items,
    put: (object) => {
      const entry = entryOf(object);
      if (entry === undefined) drop(keyOf(object));
      else set(keyOf(object), entry);
    },
    remove: (object) => {
      const key = keyOf(object);
      if (marks.get(key)?.uid === object.metadata.uid) drop(key);
    },
    startReplacing: () => {
      const listed = new Map<string, Entry<K>>();
      return {
        add: (object) => {
          const entry = entryOf(object);
          if (entry !== undefined) listed.set(keyOf(object), entry);
        },
        replace: () => {
          // Removals first: a new pod may have the address of one that is gone.
          for (const [key, { uid }] of marks) if (listed.get(key)?.uid !== uid) drop(key);
          for (const [key, entry] of listed) set(key, entry);
        },
      };
    },
  };
}

/** `namespace/name`; of what has no namespace its name. */
export function keyOf({ metadata }: KubeObject): string {
  const name = metadata?.name;
  if (typeof name !== "string" || name === "") throw new Error("an object has no name");
  return metadata.namespace === undefined ? name : `${metadata.namespace}/${name}`;
}
