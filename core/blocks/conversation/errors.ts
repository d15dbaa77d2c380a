import { type Fail, failWith } from "#core/errors/api-error.ts";

export const conversationErrors = {
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  ERR_BODY_READ: { http: 400, grpc: 3 },
  ERR_CONVERSATION_NOT_FOUND: { http: 400, grpc: 3 },
  // Dapr: spelled like this on the wire.
  ERR_CONVERSATION_INVALID_PARMS: { http: 400, grpc: 3 },
  ERR_CONVERSATION_MISSING_INPUTS: { http: 400, grpc: 3 },
  ERR_CONVERSATION_INVOKE: { http: 500, grpc: 13 },
} as const;

export const conversationError: Fail<typeof conversationErrors> = failWith(conversationErrors);

export function invalidParameters(component: string, why: string): Error {
  return conversationError(
    "ERR_CONVERSATION_INVALID_PARMS",
    `failed conversing with component ${component}: invalid parameters: ${why}`,
  );
}
