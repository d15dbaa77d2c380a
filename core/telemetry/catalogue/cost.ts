import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** What each app costs the process that it shares with others. Dapr has nothing like it. */
export const costMetrics: readonly MetricSpec[] = [
  counter(
    "outrigger_app_cpu_seconds_total",
    "",
    "CPU time of the process that was put down to the app: an attribution, not a measurement",
  ),
  counter(
    "outrigger_app_calls_total",
    "direction",
    "Calls of the app to the API (api), and of the runtime to the app (app)",
  ),
  counter(
    "outrigger_app_request_bytes_total",
    "direction",
    "Bytes of request bodies, as far as their length was known",
  ),
  counter("outrigger_app_response_bytes_total", "direction", "Bytes of answers"),
  counter(
    "outrigger_app_refused_total",
    "reason",
    "Calls refused since the app's budget was used up",
  ),
  gauge("outrigger_app_calls_in_flight", "direction", "Calls that have not ended yet"),
];
