import type { Invoke } from "#core/invoke/operations.ts";
import {
  blockOf,
  describeHeaders,
  describeStore,
  endWithStatus,
} from "#core/tracing/attributes.ts";
import { redactedTarget, withoutUserInfo } from "#core/tracing/redact.ts";
import type { Span } from "#core/tracing/span.ts";
import type { HttpInput } from "./input.ts";

/** Ends the span of an API call; `asked` is what the operation was given, if it came to that. */
export function endHttpSpan(
  span: Span,
  operation: string,
  input: HttpInput,
  asked: unknown,
  status: number,
): void {
  const { method } = input.request;
  const block = blockOf(operation);
  // What it was called at the start.
  const path = span.name;
  describeHeaders(span, input.headers);
  if (block === "invoke") describeInvocation(span, asked as Invoke | undefined);
  // Dapr: the topic stays out, since its route does not know it.
  else if (block === "pubsub") span.set("messaging.system", "pubsub");
  else describeStore(span, block, input.param("store") || input.param("name"), `${method} ${path}`);
  span.set("dapr.protocol", "http");
  span.set("dapr.api", `${method} ${path}`);
  span.set("http.request.method", method);
  span.set("url.full", redactedTarget(input.target));
  // Dapr: these two name the caller's end of the connection.
  const { address, port } = input.remote;
  span.set("server.address", address);
  span.set("server.port", port === undefined ? undefined : String(port));
  endWithStatus(span, status);
}

function describeInvocation(span: Span, asked: Invoke | undefined): void {
  if (!asked) return;
  const id = withoutUserInfo(asked.id);
  span.name = `CallLocal/${id}/${asked.method}`;
  span.set("rpc.service", "ServiceInvocation");
  span.set("net.peer.name", id);
}
