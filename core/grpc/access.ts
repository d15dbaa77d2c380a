import { isRpcAllowed } from "#core/api-access/grpc.ts";
import { errorOfHttpStatus } from "#core/errors/status-codes.ts";
import { tokenHeader } from "#core/http/token.ts";
import { asksForToken, holdsToken } from "#core/identity/token-check.ts";
import type { GrpcCaller } from "./input.ts";

/** Rejects with Unauthenticated for a call without a valid API token; `undefined` where it may go on at once. */
export function refuseToken(caller: GrpcCaller): Promise<void> | undefined {
  const { app } = caller;
  if (caller.isProven || !asksForToken(app)) return undefined;
  const given = caller.header(tokenHeader);
  const holds = given !== undefined && holdsToken(app, given);
  if (holds === true) return undefined;
  if (holds === false) return Promise.reject(refusal(caller, given));
  return holds.then((really) => {
    if (!really) throw refusal(caller, given);
  });
}

function refusal({ app, remoteAddress }: GrpcCaller, given: string | undefined): Error {
  if (app.badTokens?.isTooMany(remoteAddress))
    return errorOfHttpStatus(429, "too many invalid api tokens");
  return errorOfHttpStatus(
    401,
    given === undefined
      ? "missing api token in request metadata"
      : "authentication error: api token mismatch",
  );
}

/** What stands before every rpc of Dapr's service: the API lists, then the token. */
export function refuseAccess(path: string, caller: GrpcCaller): Promise<void> | undefined {
  const { apiLists } = caller.app;
  if (apiLists !== undefined && !isRpcAllowed(apiLists, path))
    throw errorOfHttpStatus(501, "requested endpoint is not available");
  return refuseToken(caller);
}
