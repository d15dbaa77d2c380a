import type { CallOptions } from "#core/ports/component.ts";
import type { ActiveActor, TurnWork } from "./active-actors.ts";
import { orAborted } from "#core/util/time-limit.ts";
import { ActorLeavingError } from "./turn-queue.ts";

/** The turns of actors that wait or run, and can be cut short all at once. */
export interface RunningTurns {
  /**
   * Runs work when it is the actor's turn. Rejects with `ActorLeavingError` where the actor leaves first, or its turn is
   * cut: whoever called is not to see that. A caller that gives up gets its answer at once, but does not end a turn that
   * has begun: the app is still busy with it, and the next turn must not overlap.
   */
  run<T>(
    actor: ActiveActor,
    work: TurnWork<T>,
    call: CallOptions,
    chain: string | undefined,
  ): Promise<T>;
  cutAll(why: string): void;
}

export interface RunningTurnsOptions {
  readonly maxStackDepth: number | undefined;
  /** Called as a turn begins; throws where it must not. */
  begin(actor: ActiveActor): void;
  /** How many calls wait for their turn, whenever that changes. Turns that begin at once are none of them. */
  waiting?(count: number): void;
}

export function createRunningTurns({
  maxStackDepth,
  begin,
  waiting,
}: RunningTurnsOptions): RunningTurns {
  const cuts = new Set<AbortController>();
  let pending = 0;
  return {
    run: async (actor, work, call, chain) => {
      const cut = new AbortController();
      let hasBegun = false;
      let isCounted = false;
      const endWait = (): void => {
        if (!isCounted) return;
        isCounted = false;
        waiting?.(--pending);
      };
      const run = async () => {
        hasBegun = true;
        endWait();
        begin(actor);
        cuts.add(cut);
        return work(actor, { ...call, signal: cut.signal });
      };
      const turn = actor.queue.run(run, call.signal, chain, maxStackDepth).finally(() => {
        endWait();
        cuts.delete(cut);
      });
      if (!hasBegun && !call.signal.aborted) {
        isCounted = true;
        waiting?.(++pending);
      }
      try {
        return await orAborted(turn, call);
      } catch (reason) {
        throw cut.signal.aborted && !call.signal.aborted ? new ActorLeavingError() : reason;
      }
    },
    cutAll: (why) => {
      for (const cut of cuts) cut.abort(new Error(why));
    },
  };
}
