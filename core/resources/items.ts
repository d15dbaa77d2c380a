import { isRecord } from "#core/util/json.ts";
import { Fields } from "./fields.ts";

export interface Item {
  readonly item: unknown;
  /** Where it stands in its document; empty for the document itself. */
  readonly path: string;
}

/** Members that a resource may leave out where it stands. */
export type Defaults = Readonly<Record<string, unknown>>;

/** The resources of a document: those of a list, as `kubectl get -o yaml` and the Kubernetes API write them, or the one that it is. */
export function itemsOf(value: unknown, defaults: Defaults): readonly Item[] {
  if (!isRecord(value)) return [{ item: value, path: "" }];
  const fields = new Fields(value, "", []);
  const kind = fields.text("kind") ?? "";
  const apiVersion = fields.text("apiVersion") ?? "";
  const items = fields.raw("items");
  const isList = kind === "List" || (kind.endsWith("List") && apiVersion.startsWith("dapr.io/"));
  if (!isList || !Array.isArray(items)) return [{ item: withDefaults(value, defaults), path: "" }];
  // Lists of one kind leave it out of their items.
  const common = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.map((item: unknown, i) => ({
    item: isRecord(item) ? withDefaults(item, common) : item,
    path: `items[${i}]`,
  }));
}

function withDefaults(value: Record<string, unknown>, defaults: Defaults): Record<string, unknown> {
  const names = Object.keys(defaults);
  if (names.length === 0) return value;
  const given = new Fields(value, "", []);
  const missing = names.filter((name) => !given.has(name));
  return missing.length === 0
    ? value
    : { ...value, ...Object.fromEntries(missing.map((name) => [name, defaults[name]])) };
}
