import { counter, latency, type MetricSpec, size } from "./metric-spec.ts";

const http = "method path status";

/** Calls to the API, and calls to the app. */
export const transportMetrics: readonly MetricSpec[] = [
  counter("http_server_request_count", http, "HTTP requests that the API has completed"),
  latency("http_server_latency", http, "Time from a request to the end of its response"),
  counter("http_server_response_count", http, "HTTP responses of the API"),
  size("http_server_request_bytes", "", "Size of a request body, according to its content length"),
  size("http_server_response_bytes", "", "Size of a response body"),
  counter("http_client_completed_count", http, "HTTP requests that the app has completed"),
  latency("http_client_roundtrip_latency", http, "Time until the end of the app's response"),
  size("http_client_sent_bytes", http, "Size of a request body to the app"),
  size("http_client_received_bytes", "", "Size of a response body from the app"),
  counter("http_healthprobes_completed_count", "status", "Health probes of an HTTP app"),
  latency("http_healthprobes_roundtrip_latency", "status", "Time of a health probe over HTTP"),
  counter(
    "grpc_io_server_completed_rpcs",
    "grpc_server_method grpc_server_status",
    "Rpcs that the gRPC API has completed, including those to other services",
  ),
  latency(
    "grpc_io_server_server_latency",
    "grpc_server_method grpc_server_status",
    "Time from the start of an rpc to its status",
  ),
  size(
    "grpc_io_server_received_bytes_per_rpc",
    "grpc_server_method",
    "Request size of a unary rpc",
  ),
  size("grpc_io_server_sent_bytes_per_rpc", "grpc_server_method", "Response size of a unary rpc"),
  counter(
    "grpc_io_client_completed_rpcs",
    "grpc_client_method grpc_client_status",
    "Rpcs from the runtime to the app that have completed",
  ),
  latency(
    "grpc_io_client_roundtrip_latency",
    "grpc_client_method grpc_client_status",
    "Time until the app returns the status",
  ),
  size(
    "grpc_io_client_sent_bytes_per_rpc",
    "grpc_client_method",
    "Request size of an rpc to the app",
  ),
  size(
    "grpc_io_client_received_bytes_per_rpc",
    "grpc_client_method",
    "Response size of an rpc to the app",
  ),
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
