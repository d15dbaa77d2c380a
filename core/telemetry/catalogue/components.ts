import { counter, latency, type MetricSpec } from "./metric-spec.ts";

const call = "component namespace operation success";
const ingress = "component namespace process_status status topic";
const bulkIngress = "component namespace process_status topic";
const egress = "component namespace success topic";
const plain = "component namespace success";

/** Operations on components, and what components bring. */
export const componentMetrics: readonly MetricSpec[] = [
  counter("component_pubsub_ingress_count", ingress, "Messages that came from a broker"),
  latency(
    "component_pubsub_ingress_latencies",
    ingress,
    "Time that the app took to handle a message",
  ),
  counter("component_pubsub_ingress_bulk_count", bulkIngress, "Batches that came from a broker"),
  counter(
    "component_pubsub_ingress_bulk_event_count",
    bulkIngress,
    "Messages in those batches, by outcome",
  ),
  latency(
    "component_pubsub_ingress_bulk_latencies",
    bulkIngress,
    "Time that the app took to handle a batch",
  ),
  counter("component_pubsub_egress_count", egress, "Events that the app has published"),
  latency("component_pubsub_egress_latencies", egress, "Time to publish an event"),
  counter("component_pubsub_egress_bulk_count", egress, "Bulk publish calls"),
  counter(
    "component_pubsub_egress_bulk_event_count",
    egress,
    "Events in bulk publish calls that the broker accepted",
  ),
  latency("component_pubsub_egress_bulk_latencies", egress, "Duration of a bulk publish call"),
  counter("component_input_binding_count", plain, "Events that came from an input binding"),
  latency("component_input_binding_latencies", plain, "Time that the app took to handle an event"),
  counter("component_output_binding_count", call, "Calls to an output binding"),
  latency("component_output_binding_latencies", call, "Duration of a call to an output binding"),
  counter("component_state_count", call, "Operations on a state store"),
  latency("component_state_latencies", call, "Duration of an operation on a state store"),
  counter("component_configuration_count", call, "Operations on a configuration store"),
  latency(
    "component_configuration_latencies",
    call,
    "Duration of an operation on a configuration store",
  ),
  counter("component_secret_count", call, "Operations on a secret store"),
  latency("component_secret_latencies", call, "Duration of an operation on a secret store"),
  counter("component_conversation_count", plain, "Calls to a conversation component"),
  latency(
    "component_conversation_latencies",
    plain,
    "Duration of a call to a conversation component",
  ),
  counter("component_crypto_count", call, "Operations on a cryptography component"),
  latency(
    "component_crypto_latencies",
    call,
    "Duration of an operation on a cryptography component",
  ),
  counter("component_job_success_count", "namespace operation", "Jobs that the app completed"),
  counter("component_job_failure_count", "namespace operation", "Jobs that failed in the app"),
  latency(
    "component_job_latencies",
    "namespace operation success",
    "Time that the app took to handle a job",
  ),
];
