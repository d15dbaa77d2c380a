import type { Random } from "./random.ts";

/** A pod that stops in order and starts again, one that is killed, one whose runtime stands still; a database that does. */
export type Blow = "rebalance" | "kill" | "pause" | "outage";

export interface ChaosOptions {
  readonly rebalances: number;
  readonly kills: number;
  readonly pauses?: number;
  readonly outages?: number;
  readonly random: Random;
  /** How much of the run is over, from 0 on; blows are spread evenly from 0 to 1. */
  progress(): number;
  strike(blow: Blow): Promise<void>;
  readonly signal: AbortSignal;
}

/** Strikes one blow after the other, in an order that the seed decides. Resolves after the last. */
export async function runChaos(options: ChaosOptions): Promise<void> {
  const { rebalances, kills, pauses = 0, outages = 0, random, progress, strike, signal } = options;
  const blows = random.shuffled<Blow>([
    ...Array.from({ length: rebalances }, () => "rebalance" as const),
    ...Array.from({ length: kills }, () => "kill" as const),
    ...Array.from({ length: pauses }, () => "pause" as const),
    ...Array.from({ length: outages }, () => "outage" as const),
  ]);
  for (const [i, blow] of blows.entries()) {
    while (progress() < (i + 0.5) / blows.length && !signal.aborted)
      await new Promise((done) => setTimeout(done, 20));
    if (signal.aborted) return;
    await strike(blow);
  }
}
