import { isRpcAllowed } from "#core/api-access/grpc.ts";
import { errorOfHttpStatus } from "#core/errors/status-codes.ts";
import { hashToken, tokenHeader } from "#core/http/token.ts";
import type { GrpcCaller } from "./input.ts";

/** Rejects with Unauthenticated for a call without a valid API token; `undefined` where the app asks for none. */
export function refuseToken(caller: GrpcCaller): Promise<void> | undefined {
  const { apiTokens } = caller.app;
  return apiTokens.length === 0 ? undefined : checkToken(apiTokens, caller.header(tokenHeader));
}

async function checkToken(valid: readonly string[], given: string | undefined): Promise<void> {
  if (given === undefined) throw errorOfHttpStatus(401, "missing api token in request metadata");
  const digest = await hashToken(given);
  let match = false;
  for (const wanted of valid) match = digest === wanted || match;
  if (!match) throw errorOfHttpStatus(401, "authentication error: api token mismatch");
}

/** What stands before every rpc of Dapr's service: the API lists, then the token. */
export function refuseAccess(path: string, caller: GrpcCaller): Promise<void> | undefined {
  const { apiLists } = caller.app;
  if (apiLists !== undefined && !isRpcAllowed(apiLists, path))
    throw errorOfHttpStatus(501, "requested endpoint is not available");
  return refuseToken(caller);
}
