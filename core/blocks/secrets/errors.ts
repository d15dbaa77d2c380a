import { type Fail, failWith } from "#core/errors/api-error.ts";

export const secretErrors = {
  ERR_SECRET_STORES_NOT_CONFIGURED: { http: 500, grpc: 9 },
  // Dapr: an unknown store is "unauthorized" over HTTP.
  ERR_SECRET_STORE_NOT_FOUND: { http: 401, grpc: 3 },
  ERR_PERMISSION_DENIED: { http: 403, grpc: 7 },
  ERR_SECRET_GET: { http: 500, grpc: 13 },
} as const;

export const secretError: Fail<typeof secretErrors> = failWith(secretErrors);
