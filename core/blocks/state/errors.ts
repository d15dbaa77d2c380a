import { type ErrorDetail, type Fail, failWith } from "#core/errors/api-error.ts";

export const stateErrors = {
  ERR_STATE_STORE_NOT_CONFIGURED: { http: 500, grpc: 9, reason: "DAPR_STATE_NOT_CONFIGURED" },
  ERR_STATE_STORE_NOT_FOUND: { http: 400, grpc: 3, reason: "DAPR_STATE_NOT_FOUND" },
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  ILLEGAL_KEY: {
    http: 400,
    grpc: 3,
    code: "ERR_MALFORMED_REQUEST",
    reason: "DAPR_STATE_ILLEGAL_KEY",
  },
  TRANSACTIONS_NOT_SUPPORTED: {
    http: 500,
    grpc: 12,
    code: "ERR_STATE_STORE_NOT_SUPPORTED",
    reason: "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED",
  },
  QUERYING_NOT_SUPPORTED: {
    http: 500,
    grpc: 13,
    code: "ERR_STATE_STORE_NOT_SUPPORTED",
    reason: "DAPR_STATE_QUERYING_NOT_SUPPORTED",
  },
  ERR_STATE_STORE_TOO_MANY_TRANSACTIONS: {
    http: 400,
    grpc: 3,
    reason: "DAPR_STATE_TOO_MANY_TRANSACTIONS",
  },
  ERR_STATE_GET: { http: 500, grpc: 13, grpcInfo: true },
  ERR_STATE_BULK_GET: { http: 500, grpc: 13, grpcInfo: true },
  ERR_STATE_SAVE: { http: 500, grpc: 13, grpcInfo: true },
  SAVE_ETAG_MISMATCH: { http: 409, grpc: 10, code: "ERR_STATE_SAVE", grpcInfo: true },
  SAVE_ETAG_INVALID: { http: 400, grpc: 3, code: "ERR_STATE_SAVE", grpcInfo: true },
  ERR_STATE_DELETE: { http: 500, grpc: 13, grpcInfo: true },
  DELETE_ETAG_MISMATCH: { http: 409, grpc: 10, code: "ERR_STATE_DELETE", grpcInfo: true },
  DELETE_ETAG_INVALID: { http: 400, grpc: 3, code: "ERR_STATE_DELETE", grpcInfo: true },
  ERR_STATE_BULK_DELETE: { http: 500, grpc: 13, grpcInfo: true },
  BULK_DELETE_ETAG_MISMATCH: {
    http: 409,
    grpc: 10,
    code: "ERR_STATE_BULK_DELETE",
    grpcInfo: true,
  },
  BULK_DELETE_ETAG_INVALID: { http: 400, grpc: 3, code: "ERR_STATE_BULK_DELETE", grpcInfo: true },
  EMPTY_KEY: { http: 400, grpc: 3, code: "ERR_STATE_SAVE", grpcInfo: true },
  ERR_STATE_TRANSACTION: { http: 500, grpc: 13, grpcInfo: true },
  ERR_PUBLISH_OUTBOX: { http: 500, grpc: 13, reason: "DAPR_PUBSUB_OUTBOX" },
  ERR_STATE_QUERY: { http: 500, grpc: 13, reason: "DAPR_STATE_QUERY_FAILED" },
  ERR_NOT_SUPPORTED_STATE_OPERATION: { http: 400, grpc: 12, grpcInfo: true },
} as const;

export const stateError: Fail<typeof stateErrors> = failWith(stateErrors);

export function stateResource(store: string): ErrorDetail {
  return { type: "ResourceInfo", resourceType: "state", resourceName: store };
}
