import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import type { Clock } from "#core/ports/platform.ts";

/**
 * Flags for a process that may stay idle: code that two collections found unused goes, compiled or not. It is read
 * again where it is needed again.
 */
export const idleFlags: readonly string[] = ["--bytecode-old-age=2", "--flush-baseline-code"];

/** V8 asks for them whenever it might compile. */
const compilers = ["--maglev", "--turbofan"];

const lookMs = 500;
/** Of the event loop's time: what an idle process takes. Code that is not optimized takes up to four times as much. */
const idleShare = 0.01;
/** Of work beyond that, so that the start itself does not count. */
const workMs = 1500;

/** What is looked at, and done. */
export interface Optimizing {
  /** Milliseconds, since the process started. */
  time(): { readonly active: number; readonly idle: number };
  optimize(): void;
}
/** The process that this is. */
export const thisProcess: Optimizing = {
  time: () => performance.eventLoopUtilization(),
  optimize: () => {
    for (const flag of compilers) setFlagsFromString(flag);
  },
};

/**
 * Lets V8 optimize, which bin/outrigger.mjs has told it not to, once the process has done more work than a start is.
 * Gives back what ends the looking.
 */
export function optimizeWhenBusy(
  clock: Pick<Clock, "after">,
  { time, optimize }: Optimizing = thisProcess,
): () => void {
  let before = time();
  let worked = 0;
  let stop = clock.after(lookMs, look);
  function look(): void {
    const now = time();
    const active = now.active - before.active;
    const idle = now.idle - before.idle;
    before = now;
    worked = Math.max(0, worked + active - idleShare * (active + idle));
    if (worked >= workMs) return optimize();
    stop = clock.after(lookMs, look);
  }
  return () => stop();
}
