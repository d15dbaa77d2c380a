import type { Configuration } from "#core/resources/configuration.ts";
import type { Resource } from "#core/resources/resource.ts";

/** What a target has read anew. */
export interface Documents {
  /** All resources; scopes and namespaces are applied by the app. */
  readonly resources: readonly Resource[];
  readonly configuration: Configuration;
  /** What could not be read. Documents that came from these files before and are not there now stay in force. */
  readonly unread: readonly UnreadFile[];
}
/** Nothing could be read: all stays as it was, and this is why. */
export interface Kept {
  readonly kept: string;
}
export interface UnreadFile {
  readonly file: string;
  readonly why: string;
}

/** Why something that was changed is not in force; the former is. */
export interface ReloadFault {
  readonly kind: string;
  /** Empty where the document could not be read at all. */
  readonly name: string;
  readonly reason: string;
  readonly file: string;
}
/** Of a file that could not be read, whatever is in it. */
export function unreadFault(file: string, reason: string): ReloadFault {
  return { kind: "", name: "", reason, file };
}
export interface UpdateReport {
  /** False: nothing of the app's was different. */
  readonly changed: boolean;
  readonly faults: readonly ReloadFault[];
}

/** A document as far as it means something: where it stands does not count. */
export function meaningOf(resource: Resource): string {
  const { origin: _, ...rest } = resource;
  return JSON.stringify(rest, (_name, value: unknown) =>
    value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
  );
}

const mostNames = 20;
/** The documents that came, went or changed, in words; empty where none did. */
export function changesOf(before: InForce, next: InForce): string {
  const former = meanings(before.resources);
  const latter = meanings(next.resources);
  const names = [...new Set([...former.keys(), ...latter.keys()])].filter(
    (name) => former.get(name) !== latter.get(name),
  );
  if (!isSameConfiguration(before.configuration, next.configuration))
    names.push("the Configuration");
  const more = names.length - mostNames;
  return `${names.slice(0, mostNames).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
type InForce = Pick<Documents, "resources" | "configuration">;
function meanings(resources: readonly Resource[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const each of resources) {
    const name = `${each.kind} ${each.name}`;
    found.set(name, `${found.get(name) ?? ""}${meaningOf(each)}`);
  }
  return found;
}

/** The new documents, and of the old ones those whose files could not be read. */
export function withUnread(next: Documents, before: readonly Resource[]): readonly Resource[] {
  if (next.unread.length === 0) return next.resources;
  // A folder that cannot be read stands for all that is in it.
  const isUnread = ({ origin }: Resource): boolean =>
    next.unread.some(({ file }) => origin.file === file || origin.file.startsWith(`${file}/`));
  const there = new Set(next.resources.map(identity));
  const kept = before.filter((resource) => isUnread(resource) && !there.has(identity(resource)));
  return [...next.resources, ...kept];
}
function identity({ kind, name, namespace }: Resource): string {
  return JSON.stringify([kind, namespace, name]);
}

/** Sections of a Configuration that only a start puts into force. */
const atStart = ["nameResolution", "metrics", "wasm"] as const;

export function needsRestart(before: Configuration, next: Configuration): readonly string[] {
  return atStart.filter((section) => textOf(before[section]) !== textOf(next[section]));
}
export function isSameConfiguration(a: Configuration, b: Configuration): boolean {
  return textOf(a) === textOf(b);
}
function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) =>
    each instanceof Map ? [...(each as Map<unknown, unknown>)] : each,
  );
}
