import type { ServerHttp2Stream } from "node:http2";
import type { App } from "#core/kernel/app.ts";
import { endWithCode } from "#core/wire/grpc/grpc-span.ts";
import { type GrpcRequestOrigin, traceOf } from "#core/wire/grpc/input.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import { describeHeaders } from "#core/tracing/attributes.ts";
import type { SpanKind } from "#core/tracing/span.ts";
import { code } from "./status.ts";

/** An app's part of a proxied call, which ends with the stream. */
export function proxyTrace(
  app: App,
  caller: Pick<GrpcRequestOrigin, "header" | "headers">,
  stream: ServerHttp2Stream,
  path: string,
  kind: SpanKind,
): TraceContext | undefined {
  const trace = traceOf(app.policies, caller, path, kind);
  const span = trace?.span;
  if (span) {
    describeHeaders(span, caller.headers());
    span.set("dapr.protocol", "grpc");
    span.set("dapr.api", path);
    stream.once("close", () => {
      const { status, message } = endOf(stream);
      endWithCode(span, status, message);
    });
  }
  return trace;
}

/** How the callee, or the runtime, ended the call; the caller's leaving is a status too. */
function endOf(stream: ServerHttp2Stream): { readonly status: number; readonly message: string } {
  const trailers =
    stream.sentTrailers?.["grpc-status"] === undefined ? stream.sentHeaders : stream.sentTrailers;
  const status = trailers?.["grpc-status"];
  if (status === undefined) return { status: code.cancelled, message: "The call was cancelled" };
  const text = trailers?.["grpc-message"];
  return { status: Number(status), message: decoded(typeof text === "string" ? text : "") };
}
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
