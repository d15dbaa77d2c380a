import type { ApiError } from "#core/errors/api-error.ts";
import type { MeasuredApp } from "./measured-app.ts";

/** Codes by the block they belong to, as Dapr sorts them: by their beginning, the first that fits. */
const categories: ReadonlyArray<readonly [beginning: string, category: string]> = [
  ["ERR_ACTOR_", "actor"],
  ["ERR_WORKFLOW_", "workflow"],
  ["ERR_INSTANCE_ID_", "workflow"],
  ["ERR_GET_WORKFLOW", "workflow"],
  ["ERR_START_WORKFLOW", "workflow"],
  ["ERR_PAUSE_WORKFLOW", "workflow"],
  ["ERR_RESUME_WORKFLOW", "workflow"],
  ["ERR_TERMINATE_WORKFLOW", "workflow"],
  ["ERR_PURGE_WORKFLOW", "workflow"],
  ["ERR_RAISE_EVENT_WORKFLOW", "workflow"],
  ["ERR_STATE_", "state"],
  ["ERR_NOT_SUPPORTED_STATE_OPERATION", "state"],
  ["ERR_CONFIGURATION_", "configuration"],
  ["ERR_CRYPTO", "crypto"],
  ["ERR_SECRET_", "secret"],
  ["ERR_PERMISSION_DENIED", "secret"],
  ["ERR_PUBSUB_", "pubsub"],
  ["ERR_TOPIC_NAME_EMPTY", "pubsub"],
  ["ERR_PUBLISH_OUTBOX", "pubsub"],
  ["ERR_CONVERSATION_", "conversation"],
  ["ERR_DIRECT_INVOKE", "service-invocation"],
  ["ERR_INVOKE_OUTPUT_BINDING", "binding"],
  ["ERR_LOCK_", "lock"],
  ["ERR_TRY_LOCK", "lock"],
  ["ERR_UNLOCK", "lock"],
  ["DAPR_SCHEDULER_", "job"],
  ["ERR_HEALTH_", "health"],
  ["ERR_OUTBOUND_HEALTH_", "health"],
  ["ERR_PLUGGABLE_", "pluggable-component"],
  ["ERR", "common"],
];

/** Counts an error that an app is answered with, where its Configuration asks for that. */
export function noteError({ metrics }: Pick<MeasuredApp, "metrics">, error: ApiError): void {
  if (!metrics?.settings.recordErrorCodes) return;
  const category = categoryOf(error);
  // A status without a code of the catalogue (a missing token) is none that Dapr counts.
  if (category !== undefined)
    metrics.count("error_code_total", { error_code: error.code, category });
}

export function categoryOf({
  code,
  details,
}: Pick<ApiError, "code" | "details">): string | undefined {
  // Dapr: a key that cannot be stored is the state block's, though its code is everybody's.
  if (details?.some((each) => each.type === "ErrorInfo" && each.reason.startsWith("DAPR_STATE_")))
    return "state";
  return categories.find(([beginning]) => code.startsWith(beginning))?.[1];
}
