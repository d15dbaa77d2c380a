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
/** So often in vain: what is asked for may be what is wrong. */
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
  /** In a row. */
  let failures = 0;
  let complaint = "";

  function becomeCurrent(): void {
    isCurrent = true;
    if (complaint !== "") log.info(`${watched.path} is watched again`);
    complaint = "";
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
    if (typeof next === "string" && next !== "") version = next;
  }
  /** One connection. Resolves when the server, or nothing for too long, has ended it. */
  async function watch(from: string): Promise<void> {
    const began = clock.now();
    let events = 0;
    const idle = limitIdle(clock, idleMs, stop.signal);
    const how: WatchOptions = { signal: idle.signal, opened: becomeCurrent };
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
        failures = 0;
        if (!isCurrent) becomeCurrent();
      }
    } catch (reason) {
      if (!idle.isOver) throw reason;
    } finally {
      idle[Symbol.dispose]();
    }
    if (events > 0 || clock.now() - began >= leastMs) {
      failures = 0;
      return;
    }
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
        const pause = retryPause(reason, failures, random);
        failures++;
        if (isExpired(reason) || failures >= mostInVain) version = undefined;
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

const troubles: Readonly<Record<number, string>> = {
  401: "The API server does not accept our credentials",
  403: "The verbs list and watch are not granted; tried again every 30 s",
  404: "The API server has no such resource, is its CustomResourceDefinition installed? Tried again every 30 s",
};
