import { type ApiError, type Fail, failWith } from "./api-error.ts";

/** The errors of a sidecar without a placement and a scheduler service. */
export const notBuiltErrors = {
  ERR_ACTOR_NO_PLACEMENT: { http: 400, grpc: 14 },
  ERR_API_UNIMPLEMENTED: { http: 501, grpc: 12 },
  DAPR_SCHEDULER_GET_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_GET_JOB" },
  DAPR_SCHEDULER_SCHEDULE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_SCHEDULE_JOB" },
  DAPR_SCHEDULER_DELETE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_DELETE_JOB" },
  DAPR_SCHEDULER_LIST_JOBS: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_LIST_JOBS" },
} as const;
const fail: Fail<typeof notBuiltErrors> = failWith(notBuiltErrors);

/** An app as far as a refusal goes. */
interface Refused {
  readonly appId: string;
  readonly namespace: string;
  readonly warnOnce: ((message: string) => void) | undefined;
}
/** Why a call is refused, for the app that makes it. */
export type Refuse = (app: Refused) => ApiError;
type Block = "actors" | "jobs" | "workflows";

/**
 * Callers get errors as if these services were only not configured. The log explains that there is
 * nothing to configure.
 */
function warn(app: Refused, block: Block): void {
  const instead = block === "jobs" ? "scheduler" : "placement";
  app.warnOnce?.(
    `Outrigger does not support ${block} yet: it responds like a Dapr sidecar without a ${instead} service`,
  );
}

export function noPlacement(block: Block): Refuse {
  return (app) => {
    warn(app, block);
    return fail("ERR_ACTOR_NO_PLACEMENT", "placement service is not configured");
  };
}

export function noScheduler(
  code: keyof typeof notBuiltErrors & `DAPR_${string}`,
  what: string,
): Refuse {
  return (app) => {
    warn(app, "jobs");
    const metadata = { appID: app.appId, namespace: app.namespace || "default" };
    return fail(code, `failed to ${what} due to: scheduler clients are disabled`, {
      details: [{ type: "ErrorInfo", reason: code, metadata }],
    });
  };
}

/** The service that workflow SDKs talk to on the gRPC port; `undefined` for any other. */
export function noWorkflowService(app: Refused, path: string): ApiError | undefined {
  if (!path.startsWith("/TaskHubSidecarService/")) return undefined;
  warn(app, "workflows");
  return fail("ERR_API_UNIMPLEMENTED", "Outrigger does not support workflows yet");
}
