import { type ApiError, type Fail, failWith } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";

export const cryptoErrors = {
  ERR_BAD_REQUEST: { http: 400, grpc: 3 },
  ERR_BODY_READ: { http: 400, grpc: 3 },
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  // Dapr: of all blocks only this one says Internal over gRPC when it has no component.
  ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED: { http: 500, grpc: 13 },
  ERR_CRYPTO_PROVIDER_NOT_FOUND: { http: 400, grpc: 3 },
  ERR_CRYPTO_KEY: { http: 500, grpc: 13 },
  ERR_CRYPTO: { http: 500, grpc: 13 },
} as const;

export const cryptoError: Fail<typeof cryptoErrors> = failWith(cryptoErrors);

export function badRequest(why: string): ApiError {
  return cryptoError("ERR_BAD_REQUEST", `invalid request: ${why}`);
}

/** An operation that failed; `why` is all that the caller learns. */
export function operationFailed(cause: unknown, why: string = messageOf(cause)): ApiError {
  return cryptoError("ERR_CRYPTO", `failed to perform operation: ${why}`, { cause });
}
