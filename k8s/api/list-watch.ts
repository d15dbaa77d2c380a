import type { Clock, Log } from "#core/ports/platform.ts";
import { statusError } from "./answer.ts";
import type { KubeClient } from "./client.ts";
import { type Changes, createHeld } from "./held.ts";
import { type Collection, listPages, query } from "./list.ts";
import type { KubeObject, Status } from "./objects.ts";
import { isExpired } from "./retry-pause.ts";
import { createWatchFailures } from "./watch-failures.ts";
import { createWatchLog } from "./watch-log.ts";
import { watchOnce } from "./watch-once.ts";

export interface Watched<T extends KubeObject, K> extends Collection {
  /** What to hold of an object, and nothing else of it is; `undefined`: it is of no interest (any more). */
  keep(object: T): K | undefined;
}
export interface ListWatchOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of 0 to 1. */
  readonly random?: () => number;
}
export interface ListWatch<K> extends Disposable {
  /** Resolves after the first whole list; rejects only when stopped before. */
  readonly synced: Promise<void>;
  /** By `namespace/name`; of what has no namespace, by name. */
  readonly items: ReadonlyMap<string, K>;
  /** True while connected and caught up; what is held stays when it is not. */
  isCurrent(): boolean;
}

/** A watch that ends sooner, with no event, has not done anything. */
const leastMs = 1000;

/**
 * Holds a collection and follows it: lists it, then watches from there. Goes on through everything: what was missed
 * is told as a difference. Only `signal` or disposing ends it.
 */
export function listWatch<T extends KubeObject, K>(
  client: KubeClient,
  watched: Watched<T, K>,
  changes: Changes<K>,
  options: ListWatchOptions,
): ListWatch<K> {
  const { log, clock, random = Math.random } = options;
  const stop = new AbortController();
  const unlink = abortWith(stop, options.signal);
  const synced = Promise.withResolvers<void>();
  synced.promise.catch(() => {});
  const held = createHeld(watched.keep, changes, log);
  const failures = createWatchFailures(random);
  const complaints = createWatchLog(watched.path, log);
  /** Where to go on; `undefined`: with a list. */
  let version: string | undefined;
  let isSynced = false;
  let isCurrent = false;
  /** The server has taken the present watch. */
  let isTaken = false;
  let sendsBookmarks = false;

  function becomeCurrent(): void {
    isCurrent = true;
    complaints.recovered();
  }
  async function list(): Promise<void> {
    const all = held.startReplacing();
    const listed = await listPages(client, watched, all.add, stop.signal);
    all.replace();
    version = listed;
    failures.listed();
    becomeCurrent();
    if (isSynced) return;
    isSynced = true;
    try {
      changes.synced?.();
    } catch (reason) {
      log.error(`Could not take the first list of ${watched.path}: ${String(reason)}`);
    }
    synced.resolve();
  }
  function take(type: string, object: KubeObject): void {
    if (type === "ERROR") throw statusError(`watch of ${watched.path}`, object as Status);
    const next = object.metadata?.resourceVersion;
    if (type === "ADDED" || type === "MODIFIED") held.put(object);
    else if (type === "DELETED") held.remove(object);
    else if (type !== "BOOKMARK") return;
    else sendsBookmarks = true;
    if (typeof next === "string" && next !== "") version = next;
  }
  async function watch(from: string): Promise<void> {
    const began = clock.now();
    isTaken = false;
    const { events, isIdle } = await watchOnce(client, watchPath(watched, from, random), {
      clock,
      signal: stop.signal,
      opened: () => {
        isTaken = true;
        becomeCurrent();
      },
      take: ({ type, object }) => {
        take(type, object);
        failures.reset();
        if (!isCurrent) becomeCurrent();
      },
    });
    // Not even a bookmark: after a restore of etcd a version may be of the future, and the server waits for that.
    if (isIdle && events === 0 && sendsBookmarks) version = undefined;
    if (events > 0 || clock.now() - began >= leastMs) return failures.reset();
    if (!failures.isFirst) throw new Error("the server ended it at once");
    // Once: a server that goes away as we come.
    await clock.sleep(failures.pauseAfterEnd(), { signal: stop.signal });
  }
  async function follow(): Promise<void> {
    for (;;)
      try {
        if (version === undefined) await list();
        else await watch(version);
      } catch (reason) {
        if (stop.signal.aborted) return;
        isCurrent = false;
        if (!isExpired(reason)) complaints.failed(reason);
        const { pauseMs, listsAgain } = failures.next(reason, isTaken);
        if (listsAgain) version = undefined;
        if (pauseMs > 0) await clock.sleep(pauseMs, { signal: stop.signal });
      }
  }
  void follow()
    .catch((reason: unknown) => {
      // Else it was the pause that ended with everything.
      if (!stop.signal.aborted) log.error(`${watched.path} is not watched: ${String(reason)}`);
    })
    .finally(() => {
      isCurrent = false;
      unlink();
      synced.reject(stop.signal.reason);
    });
  return {
    synced: synced.promise,
    items: held.items,
    isCurrent: () => isCurrent,
    [Symbol.dispose]: () => stop.abort(),
  };
}

/** Aborts it when the signal fires; returns a function that ends this. */
function abortWith(controller: AbortController, signal: AbortSignal): () => void {
  const abort = (): void => controller.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

function watchPath(collection: Collection, from: string, random: () => number): string {
  return `${collection.path}?${query(collection, {
    watch: "true",
    allowWatchBookmarks: "true",
    resourceVersion: from,
    timeoutSeconds: String(240 + Math.floor(random() * 61)),
  })}`;
}
