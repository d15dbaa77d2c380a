import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import { createEventWriter } from "#k8s/api/events.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type ComponentRecord, createComponentRecords } from "./component-records.ts";
import { type ComponentReport, stateOf } from "./component-state.ts";
import { aboutOf, createComponentWriter } from "./component-writer.ts";
import { createPacedWrites } from "./paced-writes.ts";
import { safeMessage } from "./safe-message.ts";
import { writeEntry } from "./write-status.ts";

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
const retries: Pauses = { firstMs: 2000, longestMs: 300_000 };
/** A wait is longer by up to this share of it. */
const retrySpread = 0.5;
/** Entries that are withdrawn at once. */
const withdrawals = 10;

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
  const stop = new AbortController();
  const { signal } = stop;
  const time = (): number => clock.monotonic();
  const writer = createComponentWriter({ client, events, node, log, clock, time, signal });
  const records = createComponentRecords(changed);
  const writes = createPacedWrites({ clock, time, paceMs, all: () => records.all.values(), write });

  function changed(each: ComponentRecord): void {
    const isFirst = each.told === undefined && stateOf(each.apps, each.invalid)?.ready === true;
    const soon = time() + debounceMs;
    // A failure does not wait as long as the good news before it would; what failed to be written does.
    const isSooner = !isFirst && each.failures === 0 && (each.dueAt ?? 0) > soon + spreadMs;
    if (each.dueAt === undefined || isSooner)
      writes.setDue(each, soon + random() * (isFirst ? firstSpreadMs : spreadMs));
  }
  async function write(each: ComponentRecord): Promise<void> {
    try {
      await writer.write(each);
      // Due again where something changed in the meantime, be it that the last app has gone.
      records.forgetUnused(each);
      each.failures = 0;
    } catch (reason) {
      if (signal.aborted) return;
      const wait = pauseAfter(each.failures++, retries);
      const what = `Could not write the status of component ${each.namespace}/${each.name}: ${messageOf(reason)}`;
      if (each.failures === 1) log.warn(what);
      else log.debug(what);
      // What is not granted will not be in two seconds either.
      const isForbidden = reason instanceof KubeError && reason.code === 403;
      writes.setDue(
        each,
        time() + (isForbidden ? retries.longestMs : wait) * (1 + retrySpread * random()),
      );
    }
  }

  return {
    report: records.report,
    forget: records.forget,
    invalid: (document, why) => {
      if (document.kind === "Component") return records.invalid(document.metadata, why);
      if (why === undefined) return;
      const { name = "", namespace = "" } = document.metadata;
      const about = aboutOf(document, { name, namespace });
      events.emit(about, "Warning", "InvalidDocument", safeMessage(why));
    },
    documents: records.documents,
    namespaceGone: records.namespaceGone,
    knows: records.knows,
    withdraw: async () => {
      await writes.stop();
      if (!writer.hasNoStatus) await withdrawAll(client, node, records.all.values(), signal, log);
    },
    [Symbol.asyncDispose]: async () => {
      const stopped = writes.stop();
      stop.abort(new Error("the status of components is no longer written"));
      await stopped;
      await events[Symbol.asyncDispose]();
    },
  };
}

/** Takes away the entries of a node, as far as that can be done. */
async function withdrawAll(
  client: KubeClient,
  node: string,
  records: Iterable<ComponentRecord>,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  const left = [...records].filter(({ told }) => told !== undefined).values();
  const next = async (): Promise<void> => {
    for (const each of left) {
      if (signal.aborted) return;
      await writeEntry(client, each, node, undefined, signal).catch((reason: unknown) =>
        log.debug(`The entry of ${each.namespace}/${each.name} stays: ${messageOf(reason)}`),
      );
    }
  };
  await Promise.all(Array.from({ length: withdrawals }, next));
}
