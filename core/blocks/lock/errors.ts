import { type Fail, failWith } from "#core/errors/api-error.ts";

/** Dapr: these have no details over gRPC, unlike most others. */
export const lockErrors = {
  ERR_BODY_READ: { http: 400, grpc: 3 },
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  ERR_LOCK_STORE_NOT_CONFIGURED: { http: 500, grpc: 9 },
  ERR_LOCK_STORE_NOT_FOUND: { http: 400, grpc: 3 },
  ERR_TRY_LOCK: { http: 500, grpc: 13 },
  ERR_UNLOCK: { http: 500, grpc: 13 },
} as const;

export const lockError: Fail<typeof lockErrors> = failWith(lockErrors);
