import { counter, type MetricSpec, ratio, workflowLatency } from "./metric-spec.ts";

const names = (prefix: string, made: readonly MetricSpec[]): readonly MetricSpec[] =>
  made.map((spec) => ({ ...spec, name: prefix + spec.name }));
const activity = "namespace activity_name status";
const workflow = "namespace workflow_name status";
const status = "namespace status";
const acl = "src_app_id operation type";

/** Workflows. Named here as Dapr names them; nothing counts in them before workflows are built. */
export const workflowMetrics: readonly MetricSpec[] = names("runtime_workflow_", [
  counter("acl_action_allowed_total", acl, "Workflow operations allowed by an access policy"),
  counter("acl_action_denied_total", acl, "Workflow operations denied by an access policy"),
  counter("operation_count", "namespace operation status", "Requested workflow operations"),
  workflowLatency(
    "operation_latency",
    "namespace operation status",
    "Duration of a workflow operation",
  ),
  counter("execution_count", workflow, "Workflows that ended"),
  workflowLatency("execution_latency", workflow, "Time from a workflow's start to its end"),
  workflowLatency("scheduling_latency", "namespace workflow_name", "Time until a workflow starts"),
  ratio(
    "payload_size_ratio",
    "namespace workflow_name",
    "Payload size relative to the largest message",
  ),
  counter("activity_operation_count", activity, "Requested activities"),
  workflowLatency("activity_operation_latency", activity, "Time to request an activity"),
  counter("activity_execution_count", activity, "Activities that ended"),
  workflowLatency(
    "activity_execution_latency",
    activity,
    "Time from an activity's start to its end",
  ),
  ratio(
    "activity_payload_size_ratio",
    "namespace workflow_name activity_name",
    "Payload size of an activity relative to the largest message",
  ),
  workflowLatency("lock_wait", "namespace operation", "Time spent waiting for a workflow's turn"),
  counter("local_wake_count", status, "Workflows that were woken in this process"),
  workflowLatency("local_wake_drive_latency", status, "Time to wake a workflow in this process"),
  counter("local_activity_count", status, "Activities that were run in this process"),
  workflowLatency(
    "local_activity_drive_latency",
    status,
    "Time to run an activity in this process",
  ),
  counter("completions_fold_count", status, "Completions that were processed together"),
  workflowLatency(
    "completions_fold_wait_latency",
    "namespace",
    "Time until completions were processed together",
  ),
  counter("completion_route_count", "namespace task_type route", "Completions by route"),
  counter(
    "attestation_generated_count",
    "namespace attestation_kind status",
    "Completions that were signed",
  ),
  counter(
    "attestation_verified_count",
    "namespace attestation_kind attestation_result",
    "Signatures that were checked",
  ),
  workflowLatency(
    "attestation_verify_latency",
    "namespace attestation_kind attestation_result",
    "Time to check a signature",
  ),
  counter(
    "attestation_cert_cache_count",
    "namespace cert_cache_outcome",
    "Lookups of a signer's certificate",
  ),
]);
