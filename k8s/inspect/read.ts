import type { KubeObject } from "#k8s/api/objects.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";

/** What a reading gave: a value, nothing there, or why it cannot be told (no right, no answer). */
export type Reading<T> =
  | { readonly is: "there"; readonly value: T }
  | { readonly is: "absent" }
  | { readonly is: "unknown"; readonly why: string };

/** What a cluster is asked with; nothing here changes it. */
export interface Asking {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
}

/** One object, or one answer. */
export async function read<T>({ client, signal }: Asking, path: string): Promise<Reading<T>> {
  return reading(client.request<T>("GET", path, { signal }), signal);
}

/** A request whose refusal is an answer too. */
export async function reading<T>(asked: Promise<T>, signal: AbortSignal): Promise<Reading<T>> {
  try {
    return { is: "there", value: await asked };
  } catch (reason) {
    signal.throwIfAborted();
    if (!(reason instanceof KubeError)) throw reason;
    // A server that is not there makes every other answer moot.
    if (reason.code === 0) throw reason;
    if (reason.code === 404) return { is: "absent" };
    return { is: "unknown", why: reason.message };
  }
}

interface Page<T> {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly T[];
}
const pageSize = 500;
/** More than any cluster that this is for; what is beyond is told as `cut`. */
const maxItems = 50_000;

/** All objects of a list, page by page; of each only what `keep` keeps stays in memory. */
export async function readAll<T extends KubeObject, K = T>(
  asking: Asking,
  path: string,
  keep: (object: T) => K | undefined,
): Promise<Reading<readonly K[]>> {
  const kept: K[] = [];
  let next = "";
  for (let seen = 0; seen < maxItems;) {
    const query = `${path.includes("?") ? "&" : "?"}limit=${pageSize}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`;
    const page = await read<Page<T>>(asking, path + query);
    if (page.is !== "there") return page;
    const items = page.value.items ?? [];
    for (const item of items) {
      const part = keep(item);
      if (part !== undefined) kept.push(part);
    }
    seen += items.length;
    next = page.value.metadata?.continue ?? "";
    if (next === "" || items.length === 0) break;
  }
  return { is: "there", value: kept };
}

/** The value, or something else where there is none. */
export function valueOr<T>(found: Reading<T>, other: T): T {
  return found.is === "there" ? found.value : other;
}
