import type { Clock, Log } from "#core/ports/platform.ts";

/** What a block has alive for one app: made when it is first asked for, ended with the app. */
export interface Part<T extends Alive> {
  readonly name: string;
  create(owner: PartOwner): T;
}
export interface PartOwner {
  readonly clock: Clock;
  readonly log: Log;
  /** True: what the app holds elsewhere is given back when it ends. */
  readonly releasesHeld: boolean;
  /** What its metadata has to begin with. */
  readonly extended: Readonly<Record<string, string>>;
}
/** How the life of the app reaches its parts; each has what it needs of it. */
export interface Alive {
  /** Nothing may call the app any more, nor begin to; resolves when what is under way has ended. */
  stop?(): Promise<void>;
  /** Nothing calls out for it any more, either. */
  close?(): Promise<void>;
  /** True while it needs the component, although no call does. */
  uses?(component: string): boolean;
}
/** All parts of one app. */
export interface Parts {
  part<T extends Alive>(part: Part<T>): T;
  stop(): Promise<void>;
  close(): Promise<void>;
  uses(component: string): boolean;
}

export function createParts(owner: PartOwner): Parts {
  const made = new Map<Part<Alive>, Alive>();
  let isStopped = false;
  return {
    part: <T extends Alive>(part: Part<T>): T => {
      const found = made.get(part) as T | undefined;
      if (found) return found;
      const created = part.create(owner);
      made.set(part, created);
      // Asked for too late, it takes in nothing.
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
