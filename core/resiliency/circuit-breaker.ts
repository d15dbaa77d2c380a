import type { Clock } from "#core/ports/platform.ts";
import type { Counts } from "#core/resources/trip.ts";
import { BreakerOpenError } from "./failure.ts";
import type { Guard } from "./guard.ts";

export type BreakerState = "closed" | "half-open" | "open";
export interface BreakerSettings {
  /** Calls at a time, and successes in a row, of a half-open breaker. */
  readonly maxRequests: number;
  /** How often a closed breaker forgets its counts; 0 means never. */
  readonly intervalMs: number;
  /** From open to half-open. */
  readonly timeoutMs: number;
  /** Asked after each failure of a closed breaker. */
  readonly trips: (counts: Counts) => boolean;
}
export interface CircuitBreaker {
  readonly guard: Guard;
  /** Moves on with time: an open breaker is half-open once its time is over. */
  readonly state: BreakerState;
}

/** A circuit breaker as sony/gobreaker, which Dapr uses, defines it. A call whose caller has gone says nothing of the target, and does not count. */
export function createCircuitBreaker(
  settings: BreakerSettings,
  clock: Pick<Clock, "now">,
  changed: (state: BreakerState, from: BreakerState) => void = () => {},
): CircuitBreaker {
  const maxRequests = Math.max(1, settings.maxRequests);
  const timeoutMs = settings.timeoutMs > 0 ? settings.timeoutMs : 60_000;
  let state: BreakerState = "closed";
  let counts = noCounts();
  /** Results of an earlier generation come too late to count. */
  let generation = 0;
  let expiry = settings.intervalMs > 0 ? clock.now() + settings.intervalMs : 0;

  function begin(next: BreakerState): void {
    generation++;
    counts = noCounts();
    expiry = 0;
    if (next === "open") expiry = clock.now() + timeoutMs;
    else if (next === "closed" && settings.intervalMs > 0)
      expiry = clock.now() + settings.intervalMs;
    if (next === state) return;
    const from = state;
    state = next;
    changed(next, from);
  }
  function current(): BreakerState {
    if (expiry !== 0 && clock.now() > expiry) begin(state === "open" ? "half-open" : state);
    return state;
  }
  function enter(): number {
    if (current() === "open") throw new BreakerOpenError("circuit breaker is open");
    if (state === "half-open" && counts.requests >= maxRequests)
      throw new BreakerOpenError("too many requests");
    counts.requests++;
    return generation;
  }
  function leave(entered: number, result: "success" | "failure" | "unknown"): void {
    current();
    if (entered !== generation) return;
    if (result === "unknown") {
      counts.requests--;
    } else if (result === "success") {
      counts.totalSuccesses++;
      counts.consecutiveSuccesses++;
      counts.consecutiveFailures = 0;
      if (state === "half-open" && counts.consecutiveSuccesses >= maxRequests) begin("closed");
    } else {
      counts.totalFailures++;
      counts.consecutiveFailures++;
      counts.consecutiveSuccesses = 0;
      if (state === "half-open" || settings.trips(counts)) begin("open");
    }
  }
  return {
    get state() {
      return current();
    },
    guard: async (run, call) => {
      const entered = enter();
      try {
        const value = await run(call);
        leave(entered, "success");
        return value;
      } catch (reason) {
        leave(entered, call.signal.aborted ? "unknown" : "failure");
        throw reason;
      }
    },
  };
}

function noCounts(): { -readonly [K in keyof Counts]: number } {
  return {
    requests: 0,
    totalSuccesses: 0,
    totalFailures: 0,
    consecutiveSuccesses: 0,
    consecutiveFailures: 0,
  };
}
