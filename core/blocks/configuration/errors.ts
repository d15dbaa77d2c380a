import { type Fail, failWith } from "#core/errors/api-error.ts";

export const configurationErrors = {
  ERR_CONFIGURATION_STORE_NOT_CONFIGURED: { http: 500, grpc: 9, grpcInfo: true },
  ERR_CONFIGURATION_STORE_NOT_FOUND: { http: 400, grpc: 3, grpcInfo: true },
  ERR_CONFIGURATION_GET: { http: 500, grpc: 13, grpcInfo: true },
  // Dapr: over gRPC the fault is the caller's, over HTTP it is not.
  ERR_CONFIGURATION_SUBSCRIBE: { http: 500, grpc: 3, grpcInfo: true },
  ERR_APP_CHANNEL_NIL: { http: 500, grpc: 13 },
} as const;

export const configurationError: Fail<typeof configurationErrors> = failWith(configurationErrors);
