import { type ApiError, type ErrorDetail, type Fail, failWith } from "#core/errors/api-error.ts";

export const pubsubErrors = {
  ERR_PUBSUB_EMPTY: { http: 404, grpc: 3, reason: "DAPR_PUBSUB_NAME_EMPTY" },
  ERR_PUBSUB_NOT_FOUND: { http: 404, grpc: 3, reason: "DAPR_PUBSUB_NOT_FOUND" },
  ERR_TOPIC_NAME_EMPTY: { http: 404, grpc: 3, reason: "DAPR_PUBSUB_TOPIC_NAME_EMPTY" },
  ERR_PUBSUB_REQUEST_METADATA: {
    http: 400,
    grpc: 3,
    reason: "DAPR_PUBSUB_METADATA_DESERIALIZATION",
  },
  ERR_PUBSUB_CLOUD_EVENTS_SER: { http: 500, grpc: 3, reason: "DAPR_PUBSUB_CLOUD_EVENT_CREATION" },
  MARSHAL_ENVELOPE: {
    http: 400,
    grpc: 3,
    code: "ERR_PUBSUB_EVENTS_SER",
    reason: "DAPR_PUBSUB_MARSHAL_ENVELOPE",
  },
  MARSHAL_EVENTS: {
    http: 400,
    grpc: 3,
    code: "ERR_PUBSUB_EVENTS_SER",
    reason: "DAPR_PUBSUB_MARSHAL_EVENTS",
  },
  UNMARSHAL_EVENTS: {
    http: 400,
    grpc: 3,
    code: "ERR_PUBSUB_EVENTS_SER",
    reason: "DAPR_PUBSUB_UNMARSHAL_EVENTS",
  },
  ERR_PUBSUB_FORBIDDEN: { http: 403, grpc: 7, reason: "DAPR_PUBSUB_FORBIDDEN" },
  ERR_PUBSUB_PUBLISH_MESSAGE: { http: 500, grpc: 13, reason: "DAPR_PUBSUB_PUBLISH_MESSAGE" },
} as const;
const fail: Fail<typeof pubsubErrors> = failWith(pubsubErrors);

/** A refusal about one pub/sub: what it is about goes along in the details. */
export function pubsubError(
  code: keyof typeof pubsubErrors,
  pubsub: string,
  message: string,
  metadata: Readonly<Record<string, string>>,
  cause?: unknown,
): ApiError {
  const info: ErrorDetail = { type: "ErrorInfo", reason: pubsubErrors[code].reason, metadata };
  // Dapr: what is not found has no resource to speak of.
  const details: readonly ErrorDetail[] =
    code === "ERR_PUBSUB_NOT_FOUND"
      ? [info]
      : [
          {
            type: "ResourceInfo",
            resourceType: "pubsub",
            resourceName: pubsub,
            description: message,
          },
          info,
        ];
  return fail(code, message, { details, cause });
}

/** The broker did not take the message, or it never got as far. */
export function publishFailed(
  pubsub: string,
  topic: string,
  error: string,
  cause: unknown,
): ApiError {
  const message = `error when publishing to topic ${topic} in pubsub ${pubsub}: ${error}`;
  return pubsubError("ERR_PUBSUB_PUBLISH_MESSAGE", pubsub, message, { error, topic }, cause);
}
