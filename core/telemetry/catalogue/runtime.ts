import { counter, gauge, latency, type MetricSpec } from "./metric-spec.ts";

const guarded = "name policy namespace flow_direction target status";
const judged = "trustDomain namespace";

/** The runtime itself: its components, policies, certificates and actors. */
export const runtimeMetrics: readonly MetricSpec[] = [
  counter("error_code_total", "error_code category", "Errors that the API has answered with"),
  counter("resiliency_loaded", "name namespace", "Resiliency documents that were loaded"),
  counter("resiliency_count", guarded, "Times that a resiliency policy was applied"),
  counter("resiliency_activations_total", guarded, "Times that a resiliency policy has acted"),
  gauge("resiliency_cb_state", guarded, "1 for the status that a circuit breaker has, else 0"),
  counter("runtime_component_loaded", "", "Components that were loaded"),
  counter("runtime_component_init_total", "component", "Components that have started, by type"),
  counter(
    "runtime_component_init_fail_total",
    "component reason componentName",
    "Components that could not start",
  ),
  counter("runtime_mtls_init_total", "", "Workload certificates that were obtained at a start"),
  counter("runtime_mtls_init_fail_total", "reason", "Starts without a workload certificate"),
  counter("runtime_mtls_workload_cert_rotated_total", "", "Workload certificates renewed"),
  counter(
    "runtime_mtls_workload_cert_rotated_fail_total",
    "reason",
    "Renewals of a workload certificate that have failed",
  ),
  counter(
    "runtime_actor_status_report_total",
    "actor_type operation",
    "Reports to the placement service",
  ),
  counter(
    "runtime_actor_status_report_fail_total",
    "actor_type operation reason",
    "Reports to the placement service that have failed",
  ),
  counter(
    "runtime_actor_table_operation_recv_total",
    "actor_type operation",
    "Changes of the placement table",
  ),
  counter("runtime_actor_rebalanced_total", "actor_type", "Actors that were moved"),
  counter("runtime_actor_deactivated_total", "actor_type", "Actors that were deactivated"),
  counter("runtime_actor_deactivated_failed_total", "actor_type", "Deactivations that have failed"),
  gauge("runtime_actor_pending_actor_calls", "actor_type", "Calls that wait for their actor"),
  gauge("runtime_actor_timers", "actor_type", "Timers of actors"),
  gauge("runtime_actor_reminders", "actor_type", "Reminders of actors"),
  counter("runtime_actor_reminders_fired_total", "actor_type success", "Reminders that have fired"),
  counter("runtime_actor_timers_fired_total", "actor_type success", "Timers that have fired"),
  counter(
    "runtime_acl_app_policy_action_allowed_total",
    judged,
    "Calls that a rule for the calling app has let in",
  ),
  counter(
    "runtime_acl_app_policy_action_blocked_total",
    judged,
    "Calls that a rule for the calling app has kept out",
  ),
  counter(
    "runtime_acl_global_policy_action_allowed_total",
    judged,
    "Calls that the default rule has let in",
  ),
  counter(
    "runtime_acl_global_policy_action_blocked_total",
    judged,
    "Calls that the default rule has kept out",
  ),
  counter(
    "runtime_service_invocation_req_sent_total",
    "dst_app_id type",
    "Calls to other apps and to HTTP endpoints",
  ),
  counter("runtime_service_invocation_req_recv_total", "src_app_id", "Calls from other apps"),
  counter(
    "runtime_service_invocation_res_sent_total",
    "dst_app_id status",
    "Answers to other apps",
  ),
  counter(
    "runtime_service_invocation_res_recv_total",
    "src_app_id status type",
    "Answers of other apps and of HTTP endpoints",
  ),
  latency(
    "runtime_service_invocation_res_recv_latency_ms",
    "src_app_id status",
    "Time until the answer of another app",
  ),
];
