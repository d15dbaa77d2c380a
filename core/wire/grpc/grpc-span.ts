import type { ApiError } from "#core/errors/api-error.ts";
import type { Operation } from "#core/kernel/operation.ts";
import { describeHeaders } from "#core/tracing/attributes.ts";
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
  { describe }: Operation<never, unknown>,
  input: GrpcInput,
  request: Asked = {},
): void {
  describeHeaders(span, input.headers());
  span.set("dapr.protocol", "grpc");
  span.set("dapr.api", path);
  // Of an invocation it is another.
  span.set("rpc.service", "Dapr");
  const { id, message, name, storeName, topic } = request;
  describe?.(span, {
    wire: "grpc",
    statement: path,
    component: storeName ?? name ?? "",
    topic,
    callee: { id: id ?? "", method: message?.method ?? "" },
  });
}

/** Ends a span whose outcome is a gRPC status. */
export function endWithCode(span: Span, code: number, message: string): void {
  span.set("dapr.status_code", String(code));
  span.end(code === 0 ? undefined : message);
}
export function endWithError(span: Span, error: ApiError): void {
  endWithCode(span, error.spec.grpc, error.overGrpc?.message ?? error.message);
}
