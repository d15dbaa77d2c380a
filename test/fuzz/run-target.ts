import fc from "fast-check";
import type { FuzzTarget } from "./target.ts";

export interface FuzzReport {
  readonly name: string;
  readonly inputs: number;
  readonly slowestMs: number;
  readonly heapGrowthBytes: number;
  readonly seconds: number;
  /** The first input that broke something; with its seed it can be made again. */
  readonly failure?: { readonly seed: number; readonly input: string; readonly reason: string };
}
const chunk = 1000;
const slowMs = 1000;
export const mostHeapBytes: number = 64 * 1024 * 1024;

/** Feeds a target so many inputs. `progress` hears before each chunk. */
export async function runTarget(
  target: FuzzTarget,
  seed: number,
  count: number,
  progress: (done: number) => void = () => {},
): Promise<FuzzReport> {
  const began = performance.now();
  const heap = heapBytes();
  let slowestMs = 0;
  let done = 0;
  let failure: FuzzReport["failure"];
  for (; done < count && !failure; done += chunk) {
    progress(done);
    const part = seed + done;
    for (const input of fc.sample(target.inputs, {
      seed: part,
      numRuns: Math.min(chunk, count - done),
    })) {
      const start = performance.now();
      try {
        const result = target.run(input);
        if (result instanceof Promise) await result;
      } catch (reason) {
        if (!target.allows?.(reason)) {
          const why = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
          failure = { seed: part, input: shown(input), reason: why };
          break;
        }
      }
      const ms = performance.now() - start;
      slowestMs = Math.max(slowestMs, ms);
      if (ms > slowMs) {
        failure = { seed: part, input: shown(input), reason: `took ${Math.round(ms)} ms` };
        break;
      }
    }
  }
  return {
    name: target.name,
    inputs: Math.min(done, count),
    slowestMs: Math.round(slowestMs),
    heapGrowthBytes: Math.max(0, heapBytes() - heap),
    seconds: Math.round((performance.now() - began) / 100) / 10,
    ...(failure ? { failure } : {}),
  };
}

/** Enough to see what it is; the seed makes all of it again. */
function shown(input: unknown): string {
  return JSON.stringify(input).slice(0, 2000);
}

/** What is left after a collection, where Node was started with --expose-gc. */
function heapBytes(): number {
  (globalThis as { readonly gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
