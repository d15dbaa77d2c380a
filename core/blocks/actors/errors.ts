import { type Fail, failWith } from "#core/errors/api-error.ts";

export const actorErrors = {
  ERR_BAD_REQUEST: { http: 400, grpc: 3 },
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  ERR_ACTOR_NO_PLACEMENT: { http: 400, grpc: 14 },
  ERR_ACTOR_RUNTIME_NOT_FOUND: { http: 500, grpc: 13 },
  ERR_ACTOR_INSTANCE_MISSING: { http: 400, grpc: 13 },
  ERR_ACTOR_INVOKE_METHOD: { http: 500, grpc: 13 },
  /** Nobody hosts the type. */
  NO_HOST: { http: 500, grpc: 9, code: "ERR_ACTOR_INVOKE_METHOD" },
  ERR_ACTOR_STACK_DEPTH: { http: 500, grpc: 8 },
  ERR_ACTOR_STATE_GET: { http: 500, grpc: 13 },
  ERR_ACTOR_STATE_TRANSACTION_SAVE: { http: 500, grpc: 13 },
  /** Dapr: over gRPC such an operation has a code of its own. */
  UNSUPPORTED_OPERATION: { http: 500, grpc: 12, code: "ERR_ACTOR_STATE_TRANSACTION_SAVE" },
  ERR_ACTOR_TYPE_RESERVED: { http: 403, grpc: 7 },
  ERR_ACTOR_TIMER_CREATE: { http: 500, grpc: 13 },
  ERR_ACTOR_TIMER_DELETE: { http: 500, grpc: 13 },
  ERR_ACTOR_REMINDER_NON_HOSTED: { http: 403, grpc: 7 },
  ERR_ACTOR_REMINDER_CREATE: { http: 500, grpc: 13 },
  ERR_ACTOR_REMINDER_GET: { http: 500, grpc: 13 },
  ERR_ACTOR_REMINDER_DELETE: { http: 500, grpc: 13 },
  ERR_ACTOR_REMINDER_NOT_FOUND: { http: 404, grpc: 5 },
  /** The streams of hosts over gRPC. */
  STREAM_FIRST_MESSAGE: { http: 400, grpc: 3, code: "ERR_ACTOR_STREAM" },
  STREAM_HTTP_APP: { http: 400, grpc: 9, code: "ERR_ACTOR_STREAM" },
  STREAM_CLOSED: { http: 500, grpc: 14, code: "ERR_ACTOR_STREAM" },
  ERR_ACTOR_REMINDER_ALREADY_EXISTS: { http: 409, grpc: 6 },
} as const;

export const actorError: Fail<typeof actorErrors> = failWith(actorErrors);
