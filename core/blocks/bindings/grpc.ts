import type { GrpcInput } from "#core/wire/grpc/input.ts";
import type { RequestOf } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type { Metadata } from "#core/ports/component.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { baggageFault } from "#core/tracing/baggage.ts";
import { bindingError } from "./errors.ts";
import { headerNamesOf } from "./header-names.ts";
import { invokeBinding } from "./operations.ts";

export function bindingsGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "InvokeBinding",
    invokeBinding,
    (request, input) => ({
      binding: request.name,
      operation: request.operation,
      data: request.data,
      metadata: metadataOf(request, input),
    }),
    (answer, input) => {
      if (!answer) return {};
      const metadata = headerNamesOf(answer.metadata);
      input.setMetadata(metadata);
      return { data: bytesOf(answer.data ?? ""), metadata: { ...metadata } };
    },
  );
}

/** Never a component's business: they would carry the caller's own credentials to whatever is bound. */
const kept: ReadonlySet<string> = new Set(["dapr-api-token", "grpc-trace-bin"]);

/** What came as gRPC metadata is there too; what the request itself names wins, except for the trace. */
function metadataOf(request: RequestOf<"InvokeBinding">, input: GrpcInput): Metadata {
  const out: Record<string, string> = { ...request.metadata };
  const headers = input.headers();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (kept.has(name)) continue;
    if (name === "baggage") checkBaggage(value);
    const key = name.startsWith(":") || name.startsWith("grpc-") ? `dapr-${name}` : name;
    const wins = name === "traceparent" || name === "tracestate";
    if (wins || !Object.hasOwn(out, key)) out[key] = value;
  }
  return out;
}

function checkBaggage(value: string): void {
  const fault = baggageFault(value);
  if (fault !== undefined)
    throw bindingError("ERR_MALFORMED_REQUEST", `invalid baggage header: ${fault}`);
}
