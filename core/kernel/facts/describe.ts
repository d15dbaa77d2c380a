import type { DescribeSpan } from "#core/kernel/operation.ts";
import { withoutUserInfo } from "#core/tracing/redact.ts";

/**
 * Dapr's span attributes for the calls of each kind of block. They follow the semantic conventions
 * of OpenTelemetry as they were when Dapr adopted them.
 */

/** For blocks that Dapr describes as databases: `state`, `secrets`, `bindings`. */
export function describeStore(system: string): DescribeSpan {
  return (span, { component, statement }) => {
    span.set("db.system", system);
    span.set("db.connection_string", system);
    span.set("db.name", component);
    span.set("db.statement", statement);
  };
}

/** Dapr: over HTTP, the topic is omitted, because Dapr's route does not know it. */
export const describeMessaging: DescribeSpan = (span, { topic }) => {
  span.set("messaging.system", "pubsub");
  span.set("messaging.destination.name", topic);
};

export const describeInvocation: DescribeSpan = (span, { callee }) => {
  if (!callee) return;
  const id = withoutUserInfo(callee.id);
  span.name = `CallLocal/${id}/${callee.method}`;
  span.set("rpc.service", "ServiceInvocation");
  span.set("net.peer.name", id);
};

/** Dapr: the model is named only over gRPC. */
export const describeConversation: DescribeSpan = (span, { wire, component }) => {
  if (wire === "grpc") span.set("rpc.system", component);
};

/** For blocks without additional attributes. */
export const describePlainly: DescribeSpan = () => {};
