import type { Clock, Log } from "#core/ports/platform.ts";
import type { CoordinationSource } from "./coordination.ts";

/**
 * The long-lived state of a block for one replica of an app. Created on first use, kept through
 * reloads of its resources, ended with the replica. Replicas that share something need a
 * `RuntimePart`.
 */
export interface Part<T extends Alive> {
  readonly name: string;
  create(owner: PartOwner): T;
}
/** What a part gets from its app. */
export interface PartOwner {
  readonly clock: Clock;
  readonly log: Log;
  /** True if what the app holds elsewhere (locks) is released when the app ends. */
  readonly releasesHeld: boolean;
  /** The initial `extended` entries of the app's metadata. */
  readonly extended: Readonly<Record<string, string>>;
  /** Absent: the target has nothing that could keep owners of actors and due times. */
  readonly coordination?: CoordinationSource | undefined;
}
/** The lifecycle of a part. Each part implements what it needs. */
export interface Alive {
  /** Stops calling the app. Resolves when calls in flight have ended. */
  stop?(): Promise<void>;
  /** Stops making calls on behalf of the app. Called after `stop`. */
  close?(): Promise<void>;
  /** Returns true while the part needs the component even without a call. */
  uses?(component: string): boolean;
}
/** All parts of one app. */
export interface Parts {
  /** Returns the part; creates it on first use. */
  part<T extends Alive>(part: Part<T>): T;
  /** Stops all parts. A part that is created later is stopped immediately. */
  stop(): Promise<void>;
  /** Closes all parts. */
  close(): Promise<void>;
  /** Returns true while any part needs the component. */
  uses(component: string): boolean;
}

/** Returns the parts of an app, none of which exists yet. */
export function createParts(owner: PartOwner): Parts {
  const made = new Map<Part<Alive>, Alive>();
  let isStopped = false;
  return {
    part: <T extends Alive>(part: Part<T>): T => {
      const found = made.get(part) as T | undefined;
      if (found) return found;
      const created = part.create(owner);
      made.set(part, created);
      // Created too late: it must not start anything.
      if (isStopped) void created.stop?.();
      return created;
    },
    stop: async () => {
      isStopped = true;
      await Promise.allSettled([...made.values()].map((each) => each.stop?.()));
    },
    close: async () => {
      await Promise.allSettled([...made.values()].map((each) => each.close?.()));
    },
    uses: (component) => [...made.values()].some((each) => each.uses?.(component)),
  };
}
