import type { MeasuredApp } from "./measured-app.ts";

/** Dapr's name of the one operation of jobs that is counted. */
const operation = "job_trigger_op";

/** Counts a try to run a job, which began at that time of the monotonic clock; an app without metrics passes by. */
export function noteJobRun(app: MeasuredApp, isSuccess: boolean, began: number): void {
  const { metrics, namespace } = app;
  if (!metrics) return;
  const name = isSuccess ? "success" : "failure";
  metrics.family(`component_job_${name}_count`).of([namespace, operation]).put(1);
  metrics
    .family("component_job_latencies")
    .of([namespace, operation, String(isSuccess)])
    .put(metrics.clock.monotonic() - began);
}
