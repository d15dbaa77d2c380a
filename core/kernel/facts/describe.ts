import type { DescribeSpan } from "#core/kernel/operation.ts";
import { withoutUserInfo } from "#core/tracing/redact.ts";

/** Dapr's words for the calls of each kind of block. The attributes are OpenTelemetry's as they were when Dapr chose them. */

/** Of blocks that Dapr describes as data bases: `state`, `secrets`, `bindings`. */
export function describeStore(system: string): DescribeSpan {
  return (span, { component, statement }) => {
    span.set("db.system", system);
    span.set("db.connection_string", system);
    span.set("db.name", component);
    span.set("db.statement", statement);
  };
}

/** Dapr: over HTTP the topic stays out, since its route does not know it. */
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

/** Dapr: the model is named over gRPC alone. */
export const describeConversation: DescribeSpan = (span, { wire, component }) => {
  if (wire === "grpc") span.set("rpc.system", component);
};

/** Of blocks that have nothing of their own to say. */
export const describePlainly: DescribeSpan = () => {};
