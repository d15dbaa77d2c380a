import type { Meter } from "#core/telemetry/meter.ts";
import type { BreakerState, CircuitBreaker } from "./circuit-breaker.ts";
import type { Direction } from "./policy-names.ts";
import type { Guard } from "./guard.ts";

const states: readonly BreakerState[] = ["closed", "half-open", "open"];

/** Counts what policies of one target do. Without a meter they are as they were. */
export function observe(
  meter: Meter | undefined,
  target: {
    readonly name: string;
    readonly namespace: string;
    readonly target: string;
    readonly direction: Direction;
  },
): {
  retry(make: (activated: () => void) => Guard): Guard;
  timeout(make: (activated: () => void) => Guard): Guard;
  breaker(make: (changed: (state: BreakerState) => void) => CircuitBreaker): CircuitBreaker;
} {
  const labels = (policy: string, status: string): Readonly<Record<string, string>> => ({
    name: target.name,
    policy,
    namespace: target.namespace,
    flow_direction: target.direction,
    target: target.target,
    status,
  });
  const counted =
    (policy: string) =>
    (make: (activated: () => void) => Guard): Guard => {
      const of = labels(policy, "");
      if (!meter) return make(() => {});
      const guard = make(meter.counter("resiliency_activations_total", of));
      const asked = meter.counter("resiliency_count", of);
      return (run, options, method) => {
        asked();
        return guard(run, options, method);
      };
    };
  return {
    retry: counted("retry"),
    timeout: counted("timeout"),
    breaker: (make) => {
      if (!meter) return make(() => {});
      const show = (now: BreakerState): void => {
        for (const state of states)
          meter.gauge(
            "resiliency_cb_state",
            labels("circuitbreaker", state),
            state === now ? 1 : 0,
          );
      };
      const breaker = make((state) => {
        meter.count("resiliency_activations_total", labels("circuitbreaker", state));
        show(state);
      });
      show(breaker.state);
      const asked = new Map(
        states.map((state) => [
          state,
          meter.counter("resiliency_count", labels("circuitbreaker", state)),
        ]),
      );
      return {
        get state() {
          return breaker.state;
        },
        guard: (run, options) => {
          asked.get(breaker.state)?.();
          return breaker.guard(run, options);
        },
      };
    },
  };
}
