import type { App } from "#core/app.ts";
import { type ApiError, type Fail, failWith } from "#core/errors/api-error.ts";

/** What a sidecar says that has no placement and no scheduler service. */
export const unconfiguredErrors = {
  ERR_ACTOR_NO_PLACEMENT: { http: 400, grpc: 14 },
  DAPR_SCHEDULER_GET_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_GET_JOB" },
  DAPR_SCHEDULER_SCHEDULE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_SCHEDULE_JOB" },
  DAPR_SCHEDULER_DELETE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_DELETE_JOB" },
  DAPR_SCHEDULER_LIST_JOBS: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_LIST_JOBS" },
} as const;
const fail: Fail<typeof unconfiguredErrors> = failWith(unconfiguredErrors);

/** Why a call is refused, for the app that makes it. */
export type Refusal = (app: App) => ApiError;

export const noPlacement: Refusal = () =>
  fail("ERR_ACTOR_NO_PLACEMENT", "placement service is not configured");

export function noScheduler(
  code: keyof typeof unconfiguredErrors & `DAPR_${string}`,
  what: string,
): Refusal {
  return (app) => {
    const metadata = { appID: app.appId, namespace: app.namespace || "default" };
    return fail(code, `failed to ${what} due to: scheduler clients are disabled`, {
      details: [{ type: "ErrorInfo", reason: code, metadata }],
    });
  };
}
