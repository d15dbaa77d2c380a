import type { ApiError } from "#core/errors/api-error.ts";
import { blockOf, describeHeaders, describeStore } from "#core/tracing/attributes.ts";
import { withoutUserInfo } from "#core/tracing/redact.ts";
import type { Span } from "#core/tracing/span.ts";
import type { GrpcInput } from "./input.ts";

/** Fields of Dapr's requests that say what a call is about. */
interface Asked {
  readonly id?: string;
  readonly message?: { readonly method?: string };
  readonly name?: string;
  readonly storeName?: string;
  readonly topic?: string;
}

/** What is known of an rpc before it runs. `path`: its full name; `request`: absent for a stream of them. */
export function describeRpc(
  span: Span,
  path: string,
  operation: string,
  input: GrpcInput,
  request: Asked = {},
): void {
  const block = blockOf(operation);
  describeHeaders(span, input.headers());
  span.set("dapr.protocol", "grpc");
  span.set("dapr.api", path);
  if (block === "invoke") {
    const id = withoutUserInfo(request.id ?? "");
    span.name = `CallLocal/${id}/${request.message?.method ?? ""}`;
    span.set("rpc.service", "ServiceInvocation");
    span.set("net.peer.name", id);
    return;
  }
  span.set("rpc.service", "Dapr");
  if (block === "conversation") span.set("rpc.system", request.name);
  else if (block === "pubsub") {
    span.set("messaging.system", "pubsub");
    span.set("messaging.destination.name", request.topic);
  } else describeStore(span, block, request.storeName ?? request.name ?? "", path);
}

/** Ends a span whose outcome is a gRPC status. */
export function endWithCode(span: Span, code: number, message: string): void {
  span.set("dapr.status_code", String(code));
  span.end(code === 0 ? undefined : message);
}
export function endWithError(span: Span, error: ApiError): void {
  endWithCode(span, error.spec.grpc, error.overGrpc?.message ?? error.message);
}
