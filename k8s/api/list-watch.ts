import type { Clock, Log } from "#core/ports/platform.ts";
import { statusError } from "./answer.ts";
import { type KubeClient, KubeError, type WatchOptions } from "./client.ts";
import { type Changes, createHeld } from "./held.ts";
import { limitIdle } from "./idle.ts";
import { type Collection, listPages, query } from "./list.ts";
import type { KubeObject, Status } from "./objects.ts";
import { isExpired, retryPause } from "./retry-pause.ts";

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

/** No byte for so long: the connection is dead. A server that can sends a bookmark each minute. */
const idleMs = 90_000;
/** A watch that ends sooner, with no event, has not done anything. */
const leastMs = 1000;
/** So often in vain, of a server that is there: what is asked for may be what is wrong. */
const mostInVain = 3;

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
  const stopOuter = (): void => stop.abort(options.signal.reason);
  if (options.signal.aborted) stopOuter();
  else options.signal.addEventListener("abort", stopOuter, { once: true });
  const synced = Promise.withResolvers<void>();
  synced.promise.catch(() => {});
  const held = createHeld(watched.keep, changes, log);
  /** Where to go on; `undefined`: with a list. */
  let version: string | undefined;
  let isSynced = false;
  let isCurrent = false;
  /** In a row, as are those that say that the version may be what is wrong. */
  let failures = 0;
  let inVain = 0;
  let hasExpired = false;
  /** The server has taken the present watch. */
  let isTaken = false;
  let sendsBookmarks = false;
  let complaint = "";

  function becomeCurrent(): void {
    isCurrent = true;
    if (complaint !== "") log.info(`${watched.path} is watched again`);
    complaint = "";
  }
  function succeed(): void {
    failures = 0;
    inVain = 0;
    hasExpired = false;
  }
  function complain(reason: unknown): void {
    isCurrent = false;
    const code = reason instanceof KubeError ? reason.code : 0;
    const message = reason instanceof Error ? reason.message : String(reason);
    // Once for each kind of trouble, not for each try.
    if (complaint === String(code)) log.debug(`Still no watch of ${watched.path}: ${message}`);
    else log.warn(`${troubles[code] ?? "Lost the watch"} (${watched.path}): ${message}`);
    complaint = String(code);
  }
  async function list(): Promise<void> {
    const all = held.startReplacing();
    const listed = await listPages(client, watched, all.add, stop.signal);
    all.replace();
    version = listed;
    inVain = 0;
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
  /** One connection. Resolves when the server, or nothing for too long, has ended it. */
  async function watch(from: string): Promise<void> {
    const began = clock.now();
    let events = 0;
    const idle = limitIdle(clock, idleMs, stop.signal);
    const opened = (): void => {
      isTaken = true;
      becomeCurrent();
    };
    const how: WatchOptions = { signal: idle.signal, opened };
    isTaken = false;
    const path = `${watched.path}?${query(watched, {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: from,
      timeoutSeconds: String(240 + Math.floor(random() * 61)),
    })}`;
    try {
      for await (const { type, object } of client.watch<KubeObject>(path, how)) {
        idle.touch();
        take(type, object);
        events++;
        succeed();
        if (!isCurrent) becomeCurrent();
      }
    } catch (reason) {
      if (!idle.isOver) throw reason;
      // Not even a bookmark: after a restore of etcd a version may be of the future, and the server waits for that.
      if (events === 0 && sendsBookmarks) version = undefined;
    } finally {
      idle[Symbol.dispose]();
    }
    if (events > 0 || clock.now() - began >= leastMs) return succeed();
    if (failures > 0) throw new Error("the server ended it at once");
    // Once: a server that goes away as we come.
    await clock.sleep(retryPause(undefined, failures++, random), { signal: stop.signal });
  }
  async function follow(): Promise<void> {
    for (;;)
      try {
        if (version === undefined) await list();
        else await watch(version);
      } catch (reason) {
        if (stop.signal.aborted) return;
        if (isExpired(reason)) isCurrent = false;
        else complain(reason);
        // Who was away for long has waited already when it learns that the past is forgotten.
        const isNews = isExpired(reason) && !hasExpired;
        const pause = retryPause(reason, isNews ? 0 : failures, random);
        failures++;
        hasExpired ||= isExpired(reason);
        // Else it says nothing of the version, and a server in trouble needs nothing less than lists of everybody at once.
        if (isTaken || !isTrouble(reason)) inVain++;
        if (isExpired(reason) || isOfTheFuture(reason) || inVain >= mostInVain) version = undefined;
        if (pause > 0) await clock.sleep(pause, { signal: stop.signal });
      }
  }
  void follow()
    .catch((reason: unknown) => {
      // Else it was the pause that ended with everything.
      if (!stop.signal.aborted) log.error(`${watched.path} is not watched: ${String(reason)}`);
    })
    .finally(() => {
      isCurrent = false;
      options.signal.removeEventListener("abort", stopOuter);
      synced.reject(stop.signal.reason);
    });
  return {
    synced: synced.promise,
    items: held.items,
    isCurrent: () => isCurrent,
    [Symbol.dispose]: () => stop.abort(),
  };
}

/** The server is away, too busy, or cannot tell who we are. */
function isTrouble(reason: unknown): boolean {
  return reason instanceof KubeError && (reason.isTransient || reason.code === 401);
}
/** "Too large resource version": after a restore of etcd. What stands before the server gives no such reason. */
function isOfTheFuture(reason: unknown): boolean {
  return reason instanceof KubeError && reason.code === 504 && reason.reason === "Timeout";
}

const troubles: Readonly<Record<number, string>> = {
  401: "The API server does not accept our credentials",
  403: "The verbs list and watch are not granted; tried again every 30 s",
  404: "The API server has no such resource, is its CustomResourceDefinition installed? Tried again every 30 s",
};
