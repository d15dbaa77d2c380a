import { ApiError } from "#core/errors/api-error.ts";
import { baggageFault } from "#core/tracing/baggage.ts";
import type { TracedApp } from "#core/tracing/start-trace.ts";
import type { GrpcRequestOrigin } from "./input.ts";

/** A call's baggage; throws InvalidArgument for what is none. Dapr: its tracing layer does it, so nobody where tracing is off. */
export function checkBaggage(
  { samplingRate }: TracedApp,
  caller: Pick<GrpcRequestOrigin, "header">,
): string | undefined {
  const baggage = samplingRate === 0 ? undefined : caller.header("baggage");
  const fault = baggage === undefined ? undefined : baggageFault(baggage);
  if (fault === undefined) return baggage;
  throw new ApiError(
    "ERR_MALFORMED_REQUEST",
    { http: 400, grpc: 3 },
    `invalid baggage header: ${fault}`,
  );
}
