import type { ActiveActor, LeaveReason } from "./active-actors.ts";

/**
 * Lets actors leave a few at a time: deactivating thousands together would keep the app, and with it every actor, from its
 * calls. Those that wait for it serve calls meanwhile.
 */
export interface Departures {
  /** Those that should be elsewhere leave; may be called again at any time. */
  move(): void;
  /** All leave: a few at a time until it is late, then at once. Resolves when all have left. */
  end(late: Promise<void>): Promise<void>;
}

export interface DeparturesOptions {
  readonly actors: { values(): Iterable<ActiveActor> };
  isElsewhere(actor: ActiveActor): boolean;
  /** Never rejects; an actor that leaves already is waited for. */
  leave(actor: ActiveActor, reason: LeaveReason): Promise<void>;
  isOver(): boolean;
}

/** For a host that has joined there is time; at the end of this one there is not. */
const movingAtOnce = 2;
const endingAtOnce = 32;

export function createDepartures(options: DeparturesOptions): Departures {
  const { actors, isElsewhere, leave, isOver } = options;
  let isMoving = false;
  let hasChanged = false;
  /** Those that are called move first, for until then their calls take a detour. */
  const lastUsedFirst = (): ActiveActor[] => [...actors.values()].reverse();
  async function moveAll(): Promise<void> {
    isMoving = true;
    while (hasChanged && !isOver()) {
      hasChanged = false;
      await depart(lastUsedFirst().filter(isElsewhere), movingAtOnce, async (actor) => {
        if (isElsewhere(actor) && !isOver()) await leave(actor, "moved");
      });
    }
    isMoving = false;
  }
  return {
    move: () => {
      hasChanged = true;
      if (!isMoving) void moveAll();
    },
    end: async (late) => {
      const end = (actor: ActiveActor): Promise<void> => leave(actor, "ended");
      await Promise.race([depart(lastUsedFirst(), endingAtOnce, end), late]);
      await Promise.all([...actors.values()].map(end));
    },
  };
}

/** An actor that has a turn waits for nobody but its turn, which may be long. Resolves when all have left but these. */
async function depart(
  actors: readonly ActiveActor[],
  mostAtOnce: number,
  leave: (actor: ActiveActor) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let actor = actors[next++]; actor; actor = actors[next++]) {
      const left = leave(actor);
      if (actor.queue.isIdle) await left;
    }
  };
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, actors.length) }, worker));
}
