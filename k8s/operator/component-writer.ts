import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { EventSubject } from "#k8s/api/event-object.ts";
import type { EventWriter } from "#k8s/api/events.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { timestamp } from "#k8s/api/timestamp.ts";
import type { ComponentRecord } from "./component-records.ts";
import { entryOf, isSameState, type NodeState, stateOf } from "./component-state.ts";
import { components, readComponent, writeEntry } from "./write-status.ts";

/** Writes what this node has to say of components. */
export interface ComponentWriter {
  /** True while it is taken for granted that the kind has no status. */
  readonly hasNoStatus: boolean;
  /** Writes the entry of `status.nodes[]`, and an Event where the state is another than before. */
  write(record: ComponentRecord): Promise<void>;
}
export interface ComponentWriterDeps {
  readonly client: KubeClient;
  readonly events: Pick<EventWriter, "emit">;
  /** Name of this node. */
  readonly node: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Monotonic. */
  readonly time: () => number;
  readonly signal: AbortSignal;
}

/** A CRD may be replaced. */
const noStatusMs = 600_000;

export function createComponentWriter({
  client,
  events,
  node,
  log,
  clock,
  time,
  signal,
}: ComponentWriterDeps): ComponentWriter {
  let noStatusUntil = -Infinity;

  async function writeState(
    record: ComponentRecord,
    object: KubeObject,
    state: NodeState | undefined,
  ): Promise<void> {
    const entry = entryOf(object, node);
    if (!isSameState(state, entry) && time() >= noStatusUntil) {
      const isTurn = entry?.ready !== state?.ready || !entry?.since;
      const since = isTurn ? timestamp(clock.now()) : entry.since;
      const next = state && { ...state, since };
      if (!(await writeEntry(client, record, node, next, signal))) {
        if (noStatusUntil === -Infinity)
          log.info("The CRD of Component has no status: what apps make of it shows in Events only");
        noStatusUntil = time() + noStatusMs;
      }
    }
    const before = record.told ?? entry;
    if (!state || isSameState(state, before)) return;
    events.emit(
      aboutOf(object, record),
      state.ready ? "Normal" : "Warning",
      state.reason,
      `node ${node}: ${state.message || "ready"}`,
    );
  }

  return {
    get hasNoStatus() {
      return time() < noStatusUntil;
    },
    write: async (record) => {
      const state = stateOf(record.apps, record.invalid);
      const object = await readComponent(client, record, signal);
      // Made anew: nothing was told of this one.
      if (record.uid !== object?.metadata.uid) record.told = undefined;
      record.uid = object?.metadata.uid;
      if (object) await writeState(record, object, state);
      record.told = object && state;
    },
  };
}

/** The component, for an Event. */
export function aboutOf(
  { apiVersion = components.apiVersion, kind = "Component", metadata }: KubeObject,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): EventSubject {
  return { apiVersion, kind, namespace, name, uid: metadata.uid };
}
