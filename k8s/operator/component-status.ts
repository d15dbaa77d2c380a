import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { monotonicClock } from "#core/util/monotonic-clock.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { EventSubject } from "#k8s/api/event-object.ts";
import { createEventWriter } from "#k8s/api/events.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import {
  type ComponentReport,
  entryOf,
  isSameState,
  type NodeState,
  stateOf,
} from "./component-state.ts";
import { safeMessage } from "./safe-message.ts";
import { components, readComponent, writeEntry } from "./write-status.ts";

/** Tells the cluster what the apps of one node make of its components: `status.nodes[]`, and Events. */
export interface ComponentStatus extends AsyncDisposable {
  /** Replaces what the app said of the component before. */
  report(report: ComponentReport): void;
  /** The app no longer loads the component; without a name, any: it is gone. */
  forget(app: { readonly namespace: string; readonly appId: string }, component?: string): void;
  /** A document of any kind that cannot be used, and why; without a reason it can, or is gone. */
  invalid(document: KubeObject, why?: string): void;
  /** All documents of a namespace as they are now: one that is gone or was made anew has nothing of the former. */
  documents(namespace: string, documents: readonly KubeObject[]): void;
  /** Nothing of the namespace runs here any more: what is wrong with its documents is for others to say. */
  namespaceGone(namespace: string): void;
  /** True where some app of this node loads the component, or its document cannot be used. */
  knows(namespace: string, component: string): boolean;
  /** Takes away all entries of this node, as far as that can be done, and writes no more of them. */
  withdraw(): Promise<void>;
}
export interface ComponentStatusDeps {
  /** Name of this node; of a Deployment, of the pod. */
  readonly node: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Between 0 and 1; default: `Math.random`. */
  readonly random?: () => number;
}

/** Components flap while they start, and apps of a node load the same one at nearly the same time. */
const debounceMs = 1000;
/** All nodes learn of a document at the same moment: they do not write it at the same moment. */
const spreadMs = 2000;
/** Nobody waits for the first word that all is well. */
const firstSpreadMs = 9000;
/** At most ten components a second. */
const paceMs = 100;
/** A CRD may be replaced. */
const noStatusMs = 600_000;
const firstRetryMs = 2000;
const mostRetryMs = 300_000;
/** A wait is longer by up to this share of it. */
const retrySpread = 0.5;
/** Entries that are withdrawn at once. */
const withdrawals = 10;
/** Components that are remembered; further ones are not told. */
const most = 20_000;

interface Known {
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

export function createComponentStatus(
  client: KubeClient,
  { node, log, clock, random = Math.random }: ComponentStatusDeps,
): ComponentStatus {
  const events = createEventWriter(client, {
    component: "outrigger-node",
    instance: node,
    log,
    clock,
  });
  const all = new Map<string, Known>();
  const stop = new AbortController();
  const time = monotonicClock(clock);
  /** Until when it is taken for granted that the kind has no status. */
  let noStatusUntil = -Infinity;
  let nextAt = -Infinity;
  let writing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  /** When `cancel` is no more: what is due later need not be looked for. */
  let timerAt: number | undefined;
  let isWithdrawn = false;

  function known(namespace: string, name: string): Known | undefined {
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
  function changed(each: Known): void {
    const isFirst = each.told === undefined && stateOf(each.apps, each.invalid)?.ready === true;
    const soon = time() + debounceMs;
    // A failure does not wait as long as the good news before it would; what failed to be written does.
    const isSooner = !isFirst && each.failures === 0 && (each.dueAt ?? 0) > soon + spreadMs;
    if (each.dueAt === undefined || isSooner)
      setDue(each, soon + random() * (isFirst ? firstSpreadMs : spreadMs));
  }
  function setDue(each: Known, at: number): void {
    each.dueAt = at;
    if (timerAt === undefined || at < timerAt) schedule();
  }
  function schedule(): void {
    if (writing !== undefined || isWithdrawn || stop.signal.aborted) return;
    cancel?.();
    cancel = undefined;
    timerAt = undefined;
    let next: Known | undefined;
    for (const each of all.values())
      if (each.dueAt !== undefined && (next?.dueAt === undefined || each.dueAt < next.dueAt))
        next = each;
    if (next?.dueAt === undefined) return;
    const wait = Math.max(next.dueAt, nextAt) - time();
    if (wait > 0) {
      timerAt = time() + wait;
      cancel = clock.after(wait, schedule);
      return;
    }
    writing = write(next).finally(() => {
      writing = undefined;
      nextAt = time() + paceMs;
      schedule();
    });
  }
  async function write(each: Known): Promise<void> {
    each.dueAt = undefined;
    try {
      await tell(each);
      each.failures = 0;
    } catch (reason) {
      if (stop.signal.aborted) return;
      const wait = Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(each.failures++, 10));
      const what = `Could not write the status of component ${each.namespace}/${each.name}: ${messageOf(reason)}`;
      if (each.failures === 1) log.warn(what);
      else log.debug(what);
      // What is not granted will not be in two seconds either.
      const isForbidden = reason instanceof KubeError && reason.code === 403;
      setDue(each, time() + (isForbidden ? mostRetryMs : wait) * (1 + retrySpread * random()));
    }
  }
  async function tell(each: Known): Promise<void> {
    const state = stateOf(each.apps, each.invalid);
    const object = await readComponent(client, each, stop.signal);
    // Made anew: nothing was told of this one.
    if (each.uid !== object?.metadata.uid) each.told = undefined;
    each.uid = object?.metadata.uid;
    if (object) await tellOf(each, object, state);
    each.told = object && state;
    // Due again where something changed in the meantime, be it that the last app has gone.
    if (each.apps.size === 0 && each.invalid === undefined && each.dueAt === undefined)
      all.delete(`${each.namespace}/${each.name}`);
  }
  async function tellOf(
    each: Known,
    object: KubeObject,
    state: NodeState | undefined,
  ): Promise<void> {
    const entry = entryOf(object, node);
    if (!isSameState(state, entry) && time() >= noStatusUntil) {
      const isTurn = entry?.ready !== state?.ready || !entry?.since;
      const since = isTurn ? timestamp(clock.now()) : entry.since;
      const next = state && { ...state, since };
      if (!(await writeEntry(client, each, node, next, stop.signal))) {
        if (noStatusUntil === -Infinity)
          log.info("The CRD of Component has no status: what apps make of it shows in Events only");
        noStatusUntil = time() + noStatusMs;
      }
    }
    const before = each.told ?? entry;
    if (!state || isSameState(state, before)) return;
    events.emit(
      aboutOf(object, each),
      state.ready ? "Normal" : "Warning",
      state.reason,
      `node ${node}: ${state.message || "ready"}`,
    );
  }
  function drop(each: Known, appId: string): void {
    if (each.apps.delete(appId)) changed(each);
  }
  function clear(each: Known): void {
    if (each.invalid === undefined) return;
    each.invalid = undefined;
    each.invalidUid = undefined;
    changed(each);
  }

  return {
    report: ({ namespace, component, appId, ready, message }) => {
      const each = known(namespace, component);
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
    invalid: (document, why) => {
      const { kind = "", metadata } = document;
      const { name = "", namespace = "" } = metadata;
      if (kind !== "Component") {
        if (why !== undefined)
          events.emit(
            aboutOf(document, { name, namespace }),
            "Warning",
            "InvalidDocument",
            safeMessage(why),
          );
        return;
      }
      const each = why === undefined ? all.get(`${namespace}/${name}`) : known(namespace, name);
      if (!each) return;
      if (why === undefined) return clear(each);
      if (each.invalid === why && each.invalidUid === metadata.uid) return;
      each.invalid = why;
      each.invalidUid = metadata.uid;
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
    withdraw: async () => {
      isWithdrawn = true;
      cancel?.();
      await writing;
      if (time() < noStatusUntil) return;
      const left = [...all.values()].filter(({ told }) => told !== undefined).values();
      const next = async (): Promise<void> => {
        for (const each of left) {
          if (stop.signal.aborted) return;
          await writeEntry(client, each, node, undefined, stop.signal).catch((reason: unknown) =>
            log.debug(`The entry of ${each.namespace}/${each.name} stays: ${messageOf(reason)}`),
          );
        }
      };
      await Promise.all(Array.from({ length: withdrawals }, next));
    },
    [Symbol.asyncDispose]: async () => {
      cancel?.();
      stop.abort(new Error("the status of components is no longer written"));
      await writing;
      await events[Symbol.asyncDispose]();
    },
  };
}

function aboutOf(
  { apiVersion = components.apiVersion, kind = "Component", metadata }: KubeObject,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): EventSubject {
  return { apiVersion, kind, namespace, name, uid: metadata.uid };
}
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
