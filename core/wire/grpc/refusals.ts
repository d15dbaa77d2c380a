import { ApiError } from "#core/errors/api-error.ts";
import { errorOfHttpStatus } from "#core/errors/status-codes.ts";
import type { Refusal } from "#core/gate/admit.ts";
import type { TokenFault } from "#core/gate/token.ts";

const resourceExhausted = 8;
const tokenFaults: Readonly<Record<TokenFault, readonly [status: number, why: string]>> = {
  missing: [401, "missing api token in request metadata"],
  invalid: [401, "authentication error: api token mismatch"],
  "too many": [429, "too many invalid api tokens"],
};

/** The gate's refusals in gRPC's words. */
export function refusalOverGrpc(refusal: Refusal): ApiError {
  switch (refusal.why) {
    case "api":
      return errorOfHttpStatus(501, "requested endpoint is not available");
    case "token":
      return errorOfHttpStatus(...tokenFaults[refusal.fault]);
    case "budget":
      return new ApiError(
        "ERR_BUDGET_EXCEEDED",
        { http: refusal.short === "body bytes" ? 413 : 429, grpc: resourceExhausted },
        `the app's budget is used up: ${refusal.short}`,
      );
  }
}
