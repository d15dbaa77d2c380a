import { counter, type MetricSpec, ratio, workflowLatency } from "./metric-spec.ts";

const names = (prefix: string, made: readonly MetricSpec[]): readonly MetricSpec[] =>
  made.map((spec) => ({ ...spec, name: prefix + spec.name }));
const activity = "namespace activity_name status";
const workflow = "namespace workflow_name status";
const status = "namespace status";
const acl = "src_app_id operation type";

/** Workflows. Named here as Dapr names them; nothing counts in them before workflows are built. */
export const workflowMetrics: readonly MetricSpec[] = names("runtime_workflow_", [
  counter("acl_action_allowed_total", acl, "Workflow operations that an access policy has let in"),
  counter("acl_action_denied_total", acl, "Workflow operations that an access policy kept out"),
  counter("operation_count", "namespace operation status", "Workflow operations asked for"),
  workflowLatency("operation_latency", "namespace operation status", "Time of such an operation"),
  counter("execution_count", workflow, "Workflows that have ended"),
  workflowLatency("execution_latency", workflow, "Time from a workflow's start to its end"),
  workflowLatency("scheduling_latency", "namespace workflow_name", "Time until a workflow starts"),
  ratio("payload_size_ratio", "namespace workflow_name", "Payload as part of the largest message"),
  counter("activity_operation_count", activity, "Activities asked for"),
  workflowLatency("activity_operation_latency", activity, "Time of asking for an activity"),
  counter("activity_execution_count", activity, "Activities that have ended"),
  workflowLatency("activity_execution_latency", activity, "Time from an activity's start to end"),
  ratio(
    "activity_payload_size_ratio",
    "namespace workflow_name activity_name",
    "Payload of an activity as part of the largest message",
  ),
  workflowLatency("lock_wait", "namespace operation", "Time of waiting for a workflow's turn"),
  counter("local_wake_count", status, "Workflows that were woken in this process"),
  workflowLatency("local_wake_drive_latency", status, "Time of waking a workflow here"),
  counter("local_activity_count", status, "Activities that were run in this process"),
  workflowLatency("local_activity_drive_latency", status, "Time of running an activity here"),
  counter("completions_fold_count", status, "Completions that were taken together"),
  workflowLatency("completions_fold_wait_latency", "namespace", "Time until they were taken"),
  counter("completion_route_count", "namespace task_type route", "Completions by their way"),
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
    "Time of checking a signature",
  ),
  counter(
    "attestation_cert_cache_count",
    "namespace cert_cache_outcome",
    "Lookups of a signer's certificate",
  ),
]);
