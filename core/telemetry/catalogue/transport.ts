import { counter, latency, type MetricSpec, size } from "./metric-spec.ts";

const http = "method path status";

/** Calls to the API, and calls to the app. */
export const transportMetrics: readonly MetricSpec[] = [
  counter("http_server_request_count", http, "HTTP requests that the API has answered"),
  latency("http_server_latency", http, "Time from a request to the end of its answer"),
  counter("http_server_response_count", http, "HTTP answers of the API"),
  size("http_server_request_bytes", "", "Body of a request, as its content length says"),
  size("http_server_response_bytes", "", "Body of an answer"),
  counter("http_client_completed_count", http, "HTTP requests that the app has answered"),
  latency("http_client_roundtrip_latency", http, "Time until the app's answer has ended"),
  size("http_client_sent_bytes", http, "Body of a request to the app"),
  size("http_client_received_bytes", "", "Body of an answer of the app"),
  counter("http_healthprobes_completed_count", "status", "Health probes of an HTTP app"),
  latency("http_healthprobes_roundtrip_latency", "status", "Time of a health probe over HTTP"),
  counter(
    "grpc_io_server_completed_rpcs",
    "grpc_server_method grpc_server_status",
    "Rpcs that the gRPC API has answered, those to other services included",
  ),
  latency(
    "grpc_io_server_server_latency",
    "grpc_server_method grpc_server_status",
    "Time from an rpc to its status",
  ),
  size("grpc_io_server_received_bytes_per_rpc", "grpc_server_method", "Request of a unary rpc"),
  size("grpc_io_server_sent_bytes_per_rpc", "grpc_server_method", "Answer of a unary rpc"),
  counter(
    "grpc_io_client_completed_rpcs",
    "grpc_client_method grpc_client_status",
    "Rpcs of the app that the runtime has called",
  ),
  latency(
    "grpc_io_client_roundtrip_latency",
    "grpc_client_method grpc_client_status",
    "Time until the app's status",
  ),
  size("grpc_io_client_sent_bytes_per_rpc", "grpc_client_method", "Request to the app"),
  size("grpc_io_client_received_bytes_per_rpc", "grpc_client_method", "Answer of the app"),
  counter(
    "grpc_io_healthprobes_completed_count",
    "grpc_client_status",
    "Health probes of a gRPC app",
  ),
  latency(
    "grpc_io_healthprobes_roundtrip_latency",
    "grpc_client_status",
    "Time of a health probe over gRPC",
  ),
];
