import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type {
  AppChannel,
  AppRef,
  HeaderList,
  PlainRequest,
  PlainResponse,
} from "#core/ports/platform.ts";
import { isSampled, isTraceparent, type TraceContext } from "./trace-context.ts";
import { headerOf } from "#core/util/header-list.ts";
import { describeHeaders, endWithStatus } from "./attributes.ts";
import { startTrace, type TracedApp } from "./start-trace.ts";

type Callee = AppRef & { readonly policies: TracedApp };

const path = "/dapr.proto.internals.v1.ServiceInvocation/CallLocal";

/**
 * The callee's side of an invocation, what Dapr's sidecars do on their internal port. `undefined` where the
 * callee exports nothing, or the trace is not sampled: then the caller's own headers go on to the app. `headers` are what the app will get.
 */
function invokedTrace(
  callee: Callee,
  method: string,
  headers: HeaderList,
): TraceContext | undefined {
  if (callee.policies.tracer === undefined) return undefined;
  const traceparent = headerOf(headers, "traceparent");
  // Nobody will ever see the spans of a trace that is not sampled: whose child the app's is does not matter.
  if (traceparent !== undefined && isTraceparent(traceparent) && !isSampled(traceparent))
    return undefined;
  const name = `CallLocal/${callee.appId}/${method}`;
  const trace = startTrace(
    callee.policies,
    traceparent,
    headerOf(headers, "tracestate"),
    name,
    "server",
  );
  if (trace?.span) {
    describeHeaders(trace.span, headers);
    trace.span.set("rpc.service", "ServiceInvocation");
    trace.span.set("dapr.invoke_method", method);
    trace.span.set("dapr.protocol", "grpc");
    trace.span.set("dapr.api", path);
  }
  return trace;
}

/** Sends to a callee that may export: its side of the call is one span, which its app is told of. */
export function sendTraced(
  callee: Callee,
  channel: AppChannel,
  method: string,
  request: PlainRequest,
  options: CallOptions,
): Promise<PlainResponse> {
  const trace = invokedTrace(callee, method, request.headers);
  return trace ? sendWith(trace, channel, request, options) : channel.send(request, options);
}

async function sendWith(
  trace: TraceContext,
  channel: AppChannel,
  request: PlainRequest,
  options: CallOptions,
): Promise<PlainResponse> {
  try {
    const headers = retraced(request.headers, trace);
    const response = await channel.send({ ...request, headers }, options);
    if (trace.span) endWithStatus(trace.span, response.status);
    return response;
  } catch (reason) {
    trace.span?.end(messageOf(reason));
    throw reason;
  }
}

/** Headers with another trace in place of theirs. */
function retraced(headers: HeaderList, trace: TraceContext): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (name !== "traceparent" && name !== "tracestate" && name !== "grpc-trace-bin")
      out.push(headers[i] as string, headers[i + 1] as string);
  }
  out.push("traceparent", trace.traceparent);
  if (trace.tracestate !== "") out.push("tracestate", trace.tracestate);
  return out;
}
