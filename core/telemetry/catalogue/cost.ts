import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** What each app costs the process that it shares with others. Dapr has nothing like it. */
export const costMetrics: readonly MetricSpec[] = [
  counter(
    "outrigger_app_cpu_seconds_total",
    "",
    "CPU time of the process that is attributed to the app; an estimate, not a measurement",
  ),
  counter(
    "outrigger_app_calls_total",
    "direction",
    "Calls from the app to the API (api) and from the runtime to the app (app)",
  ),
  counter(
    "outrigger_app_request_bytes_total",
    "direction",
    "Bytes of request bodies whose length was known",
  ),
  counter("outrigger_app_response_bytes_total", "direction", "Bytes of responses"),
  counter(
    "outrigger_app_refused_total",
    "reason",
    "Calls refused because the app's budget was exhausted",
  ),
  gauge("outrigger_app_calls_in_flight", "direction", "Calls in flight"),
];
