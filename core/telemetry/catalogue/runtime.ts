import { counter, gauge, latency, type MetricSpec } from "./metric-spec.ts";

const guarded = "name policy namespace flow_direction target status";
const judged = "trustDomain namespace";

/** The runtime itself: its components, policies, certificates and actors. */
export const runtimeMetrics: readonly MetricSpec[] = [
  counter("error_code_total", "error_code category", "Errors that the API returned"),
  counter("resiliency_loaded", "name namespace", "Resiliency resources that were loaded"),
  counter("resiliency_count", guarded, "Number of times that a resiliency policy was applied"),
  counter(
    "resiliency_activations_total",
    guarded,
    "Number of times that a resiliency policy was activated",
  ),
  gauge(
    "resiliency_cb_state",
    guarded,
    "1 for the current status of a circuit breaker, 0 for the others",
  ),
  counter("runtime_component_loaded", "", "Components that were loaded"),
  counter("runtime_component_init_total", "component", "Components that started, by type"),
  counter(
    "runtime_component_init_fail_total",
    "component reason componentName",
    "Components that failed to start",
  ),
  counter("runtime_mtls_init_total", "", "Workload certificates obtained at start-up"),
  counter(
    "runtime_mtls_init_fail_total",
    "reason",
    "Failures to obtain a workload certificate at start-up",
  ),
  counter("runtime_mtls_workload_cert_rotated_total", "", "Renewed workload certificates"),
  counter(
    "runtime_mtls_workload_cert_rotated_fail_total",
    "reason",
    "Failed renewals of a workload certificate",
  ),
  counter(
    "runtime_actor_status_report_total",
    "actor_type operation",
    "Reports to the placement service",
  ),
  counter(
    "runtime_actor_status_report_fail_total",
    "actor_type operation reason",
    "Failed reports to the placement service",
  ),
  counter(
    "runtime_actor_table_operation_recv_total",
    "actor_type operation",
    "Changes of the placement table",
  ),
  counter("runtime_actor_rebalanced_total", "actor_type", "Actors that were moved"),
  counter("runtime_actor_deactivated_total", "actor_type", "Actors that were deactivated"),
  counter("runtime_actor_deactivated_failed_total", "actor_type", "Failed deactivations of actors"),
  gauge("runtime_actor_pending_actor_calls", "actor_type", "Calls that wait for their actor"),
  gauge("runtime_actor_timers", "actor_type", "Timers of actors"),
  gauge("runtime_actor_reminders", "actor_type", "Reminders of actors"),
  counter("runtime_actor_reminders_fired_total", "actor_type success", "Reminders that fired"),
  counter("runtime_actor_timers_fired_total", "actor_type success", "Timers that fired"),
  counter(
    "runtime_acl_app_policy_action_allowed_total",
    judged,
    "Calls allowed by a rule for the calling app",
  ),
  counter(
    "runtime_acl_app_policy_action_blocked_total",
    judged,
    "Calls blocked by a rule for the calling app",
  ),
  counter(
    "runtime_acl_global_policy_action_allowed_total",
    judged,
    "Calls allowed by the default rule",
  ),
  counter(
    "runtime_acl_global_policy_action_blocked_total",
    judged,
    "Calls blocked by the default rule",
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
    "Responses to other apps",
  ),
  counter(
    "runtime_service_invocation_res_recv_total",
    "src_app_id status type",
    "Responses from other apps and from HTTP endpoints",
  ),
  latency(
    "runtime_service_invocation_res_recv_latency_ms",
    "src_app_id status",
    "Time until the response from another app",
  ),
];
