import type { Clock } from "#core/ports/platform.ts";
import type { WasiOptions } from "./wasi.ts";

type Sources = Pick<WasiOptions, "wallTime" | "monotonicTime" | "random">;
const nsPerMs = 1_000_000n;

/** Real time and real chance. */
export function realSources(clock: Clock): Sources {
  const now = (): bigint => BigInt(Math.round(clock.now())) * nsPerMs;
  const start = now();
  return {
    wallTime: now,
    monotonicTime: () => now() - start,
    random: (into) => {
      // The platform gives at most this much at a time.
      for (let at = 0; at < into.length; at += 65_536)
        crypto.getRandomValues(into.subarray(at, at + 65_536) as Uint8Array<ArrayBuffer>);
    },
  };
}

/** Time that goes on by a millisecond with each look, and always the same chance: a guest can measure nothing with it. */
export function strictSources(clock: Clock): Sources {
  let wall = BigInt(Math.floor(clock.now() / 1000) * 1000) * nsPerMs;
  let monotonic = 0n;
  let seed = 42;
  return {
    wallTime: () => (wall += nsPerMs),
    monotonicTime: () => (monotonic += nsPerMs),
    random: (into) => {
      for (let i = 0; i < into.length; i++) {
        // Numerical Recipes' generator; its upper bits are the better ones.
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
        into[i] = seed >>> 24;
      }
    },
  };
}
