import type { MeasuredApp } from "./measured-app.ts";
import { recordLatency } from "./record-latency.ts";

/** Counts an event of an input binding, with the time that the app took; an app without metrics passes by. */
export function measuredEvent<T>(
  app: MeasuredApp,
  binding: string,
  deliver: () => Promise<T>,
): Promise<T> {
  const { metrics, namespace } = app;
  if (!metrics) return deliver();
  const began = metrics.clock.monotonic();
  const ended = (success: string): void =>
    recordLatency(
      metrics,
      "component_input_binding",
      [binding, namespace, success],
      metrics.clock.monotonic() - began,
    );
  const delivered = deliver();
  delivered.then(
    () => ended("true"),
    () => ended("false"),
  );
  return delivered;
}
