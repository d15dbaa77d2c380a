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
/** Of a CPU's time: what an idle process takes. Code that is not optimized takes up to four times as much. */
const idleShare = 0.01;
/** Of work beyond that: a start takes less, however busy the machine is. */
const workMs = 1500;
/** Calls within one look: under load nothing is waited for. */
const manyCalls = 50;

/** What is looked at, and done. */
export interface Optimizing {
  /** CPU time that it has taken so far, in milliseconds. */
  cpuMs(): number;
  optimize(): void;
}
/** The process that this is. */
export const thisProcess: Optimizing = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  optimize: () => {
    for (const flag of compilers) setFlagsFromString(flag);
  },
};

/** What a process that may stay idle tells of itself. */
export interface Work extends Disposable {
  /** A call has come. */
  called(): void;
}

/**
 * Lets V8 optimize, which bin/outrigger.mjs has told it not to, once the process has done more work than a start is, or
 * many calls come at once. The end of what is given back ends the looking.
 */
export function optimizeWhenBusy(
  clock: Pick<Clock, "now" | "after">,
  { cpuMs, optimize }: Optimizing = thisProcess,
): Work {
  let before = cpuMs();
  let began = clock.now();
  let worked = 0;
  let calls = 0;
  let isOver = false;
  let stop = clock.after(lookMs, look);
  function look(): void {
    const used = cpuMs();
    const now = clock.now();
    worked = Math.max(0, worked + used - before - idleShare * (now - began));
    before = used;
    began = now;
    calls = 0;
    if (worked >= workMs) return begin();
    stop = clock.after(lookMs, look);
  }
  function begin(): void {
    if (isOver) return;
    end();
    optimize();
  }
  function end(): void {
    isOver = true;
    stop();
  }
  return {
    called: () => {
      if (++calls === manyCalls) begin();
    },
    [Symbol.dispose]: end,
  };
}
