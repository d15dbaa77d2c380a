import { randomUUID } from "node:crypto";
import type { KubeObject } from "#k8s/api/objects.ts";
import type { ResourcePath } from "./paths.ts";

/** One change, as watches are told. */
export interface Change {
  readonly version: number;
  readonly path: ResourcePath;
  /** Absent: it was created. */
  readonly before: KubeObject | undefined;
  /** Of a deletion: as it was last, with the version of the deletion. */
  readonly object: KubeObject;
  readonly isDeletion: boolean;
}
/** What the API server refuses, with the code and reason of its `Status`. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** Objects with versions, and what happened to them since the last `compact`. */
export interface Store {
  readonly version: number;
  readonly compacted: number;
  get(path: ResourcePath): KubeObject | undefined;
  /** In the order of namespaces and names. */
  list(path: ResourcePath): readonly KubeObject[];
  write(path: ResourcePath, object: KubeObject): KubeObject;
  remove(path: ResourcePath): KubeObject | undefined;
  since(version: number): readonly Change[];
  compact(): void;
}

/** `changed` is called at once for each change. */
export function createStore(changed: (change: Change) => void): Store {
  const objects = new Map<string, KubeObject>();
  let history: Change[] = [];
  let version = 100;
  let compacted = 0;
  // Objects of all versions of a group are the same objects.
  const collection = ({ group, plural }: ResourcePath): string => `${group}|${plural}|`;
  const keyOf = (path: ResourcePath): string =>
    `${collection(path)}${path.namespace ?? ""}|${path.name ?? ""}`;
  const tell = (change: Change): void => {
    history.push(change);
    changed(change);
  };
  return {
    get version() {
      return version;
    },
    get compacted() {
      return compacted;
    },
    get: (path) => objects.get(keyOf(path)),
    list: (path) => {
      const prefix = `${collection(path)}${path.namespace === undefined ? "" : `${path.namespace}|`}`;
      return [...objects]
        .filter(([key]) => key.startsWith(prefix))
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([, object]) => object);
    },
    write: (path, object) => {
      const before = objects.get(keyOf(path));
      version++;
      const written: KubeObject = {
        ...object,
        metadata: {
          ...object.metadata,
          ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
          uid: before?.metadata.uid ?? object.metadata.uid ?? randomUUID(),
          creationTimestamp:
            before?.metadata.creationTimestamp ??
            object.metadata.creationTimestamp ??
            new Date().toISOString().replace(/\.\d+Z/, "Z"),
          resourceVersion: String(version),
        },
      };
      objects.set(keyOf(path), written);
      tell({ version, path, before, object: written, isDeletion: false });
      return written;
    },
    remove: (path) => {
      const before = objects.get(keyOf(path));
      if (!before) return undefined;
      objects.delete(keyOf(path));
      version++;
      const last = {
        ...before,
        metadata: { ...before.metadata, resourceVersion: String(version) },
      };
      tell({ version, path, before, object: last, isDeletion: true });
      return last;
    },
    since: (from) => history.filter((change) => change.version > from),
    compact: () => {
      history = [];
      compacted = version;
    },
  };
}

/** As `fieldSelector` and `labelSelector` say: equalities and inequalities, joined by commas. */
export function selects(query: URLSearchParams): (object: KubeObject) => boolean {
  const fields = terms(query.get("fieldSelector"));
  const labels = terms(query.get("labelSelector"));
  return (object) =>
    fields.every(({ name, value, isNot }) => (fieldOf(object, name) === value) !== isNot) &&
    labels.every(({ name, value, isNot }) =>
      value === undefined
        ? (object.metadata.labels?.[name] !== undefined) !== isNot
        : (object.metadata.labels?.[name] === value) !== isNot,
    );
}
interface Term {
  readonly name: string;
  /** Absent: whether it is there. */
  readonly value: string | undefined;
  readonly isNot: boolean;
}
function terms(text: string | null): readonly Term[] {
  if (!text) return [];
  return text.split(",").map((term) => {
    const match = /^(!?)([^=!]+)(?:(!?)={1,2}(.*))?$/.exec(term.trim());
    if (!match) throw new Refusal(400, "BadRequest", `unable to parse requirement: ${term}`);
    const [, absent, name = "", not, value] = match;
    return { name, value, isNot: absent === "!" || not === "!" };
  });
}
function fieldOf(object: KubeObject, name: string): string {
  let value: unknown = object;
  for (const part of name.split("."))
    value = (value as Record<string, unknown> | undefined)?.[part];
  return typeof value === "object" || value === undefined ? "" : `${value as string | number}`;
}
