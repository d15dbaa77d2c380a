import type { Operation } from "#core/kernel/operation.ts";
import { describeHeaders, endWithStatus } from "#core/tracing/attributes.ts";
import { redactedTarget } from "#core/tracing/redact.ts";
import type { Span } from "#core/tracing/span.ts";
import type { HttpInput } from "./input.ts";

/** Ends the span of an API call; `asked` is what the operation was given, if it came to that. */
export function endHttpSpan(
  span: Span,
  { describe }: Operation<never, unknown>,
  input: HttpInput,
  asked: unknown,
  status: number,
): void {
  const { method } = input.request;
  // What it was called at the start.
  const statement = `${method} ${span.name}`;
  describeHeaders(span, input.headers);
  describe?.(span, {
    wire: "http",
    statement,
    component: input.param("store") || input.param("name"),
    asked,
    callee: asked as { readonly id: string; readonly method: string } | undefined,
  });
  span.set("dapr.protocol", "http");
  span.set("dapr.api", statement);
  span.set("http.request.method", method);
  span.set("url.full", redactedTarget(input.target));
  // Dapr: these two name the caller's end of the connection.
  const { address, port } = input.remote;
  span.set("server.address", address);
  span.set("server.port", port === undefined ? undefined : String(port));
  endWithStatus(span, status);
}
