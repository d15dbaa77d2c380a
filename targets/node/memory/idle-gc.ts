import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Clock } from "#core/ports/platform.ts";
import { collectGarbage } from "./collect.ts";

/** Between looks; the first is for what the start has left. */
const soonMs = 1000;
const everyMs = 10_000;
/** Of the event loop's time since the last look. */
const idleShare = 0.02;
const worthBytes = 8 * 1024 * 1024;
/** A collection takes as long as there is to keep; past this nobody would call it rest. */
const mostBytes = 128 * 1024 * 1024;

/** What is looked at, and done. */
export interface Heap {
  /** Milliseconds, since the process started. */
  time(): { readonly active: number; readonly idle: number };
  /** Bytes that V8 holds, and those of them in use. */
  size(): { readonly held: number; readonly used: number };
  /** Collects everything, code that is not running too. */
  collect(): void;
}

const own: Heap = {
  time: () => performance.eventLoopUtilization(),
  size: () => {
    const { total_heap_size: held, used_heap_size: used } = getHeapStatistics();
    return { held, used };
  },
  collect: () => collectGarbage({ type: "major", flavor: "last-resort" }),
};

/**
 * Gives memory back when there is nothing to do: V8 keeps what start-up and load have grown, 27 of 117 MiB after
 * a start. It takes 30 to 60 ms, and happens only where the heap has grown since. Gives back what ends it.
 */
export function collectWhenIdle(clock: Pick<Clock, "after">, heap: Heap = own): () => void {
  let before = heap.time();
  let rested = 0;
  let stop = clock.after(soonMs, look);
  function look(): void {
    const now = heap.time();
    const active = now.active - before.active;
    const isIdle = active < idleShare * (active + now.idle - before.idle);
    before = now;
    const { held, used } = heap.size();
    if (isIdle && held > rested + worthBytes && used < mostBytes) {
      heap.collect();
      rested = heap.size().held;
      before = heap.time();
    }
    stop = clock.after(rested === 0 ? soonMs : everyMs, look);
  }
  return () => stop();
}
