import type { CallOptions } from "#core/ports/component.ts";
import type { ActiveActor, TurnWork } from "./active-actors.ts";
import { ActorLeavingError } from "./turn-queue.ts";

/** The turns of actors that wait or run, and can be cut short all at once. */
export interface RunningTurns {
  /** Calls that wait for their turn. */
  readonly pending: number;
  /**
   * Runs work when it is the actor's turn. Rejects with `ActorLeavingError` where the actor leaves first, or its turn is
   * cut: whoever called is not to see that.
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
}

export function createRunningTurns({ maxStackDepth, begin }: RunningTurnsOptions): RunningTurns {
  const cuts = new Set<AbortController>();
  let pending = 0;
  return {
    get pending() {
      return pending;
    },
    run: async (actor, work, call, chain) => {
      const cut = new AbortController();
      const signal = AbortSignal.any([call.signal, cut.signal]);
      pending++;
      let isPending = true;
      const run = async () => {
        pending--;
        isPending = false;
        begin(actor);
        cuts.add(cut);
        return work(actor, { ...call, signal });
      };
      try {
        return await actor.queue.run(run, signal, chain, maxStackDepth);
      } catch (reason) {
        throw cut.signal.aborted && !call.signal.aborted ? new ActorLeavingError() : reason;
      } finally {
        if (isPending) pending--;
        cuts.delete(cut);
      }
    },
    cutAll: (why) => {
      for (const cut of cuts) cut.abort(new Error(why));
    },
  };
}
