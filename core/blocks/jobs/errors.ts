import {
  type ApiError,
  type ApiErrorOptions,
  type Fail,
  failWith,
} from "#core/errors/api-error.ts";
import type { App } from "#core/kernel/app.ts";

export const jobErrors = {
  ERR_BODY_READ: { http: 400, grpc: 3 },
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  DAPR_SCHEDULER_JOB_NAME: { http: 400, grpc: 3, reason: "DAPR_SCHEDULER_JOB_NAME" },
  DAPR_SCHEDULER_JOB_NAME_EMPTY: { http: 400, grpc: 3, reason: "DAPR_SCHEDULER_JOB_NAME_EMPTY" },
  DAPR_SCHEDULER_SCHEDULE_EMPTY: { http: 400, grpc: 3, reason: "DAPR_SCHEDULER_SCHEDULE_EMPTY" },
  DAPR_SCHEDULER_EMPTY: { http: 400, grpc: 3, reason: "DAPR_SCHEDULER_EMPTY" },
  DAPR_SCHEDULER_SCHEDULE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_SCHEDULE_JOB" },
  JOB_EXISTS: {
    http: 409,
    grpc: 6,
    code: "DAPR_SCHEDULER_SCHEDULE_JOB",
    reason: "DAPR_SCHEDULER_SCHEDULE_JOB",
  },
  DAPR_SCHEDULER_GET_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_GET_JOB" },
  DAPR_SCHEDULER_DELETE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_DELETE_JOB" },
  DAPR_SCHEDULER_LIST_JOBS: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_LIST_JOBS" },
} as const;

export const jobError: Fail<typeof jobErrors> = failWith(jobErrors);

type Code = keyof typeof jobErrors;

/** A refusal that says whose job it is about. */
export function schedulerError(
  { appId, namespace }: Pick<App, "appId" | "namespace">,
  code: Exclude<Code, "ERR_BODY_READ" | "ERR_MALFORMED_REQUEST">,
  message: string,
  options?: Pick<ApiErrorOptions, "cause">,
): ApiError {
  const { reason } = jobErrors[code];
  // Dapr: leaves the namespace out here alone.
  const metadata: Record<string, string> =
    code === "DAPR_SCHEDULER_JOB_NAME"
      ? { appID: appId }
      : { appID: appId, namespace: namespace || "default" };
  return jobError(code, message, {
    ...options,
    details: [{ type: "ErrorInfo", reason, metadata }],
  });
}

/** What failed, and the code of it. */
export interface Failing {
  readonly code: Extract<
    Code,
    | "DAPR_SCHEDULER_SCHEDULE_JOB"
    | "DAPR_SCHEDULER_GET_JOB"
    | "DAPR_SCHEDULER_DELETE_JOB"
    | "DAPR_SCHEDULER_LIST_JOBS"
  >;
  readonly what: string;
}
export const scheduling: Failing = { code: "DAPR_SCHEDULER_SCHEDULE_JOB", what: "schedule job" };
export const getting: Failing = { code: "DAPR_SCHEDULER_GET_JOB", what: "get job" };
export const deleting: Failing = { code: "DAPR_SCHEDULER_DELETE_JOB", what: "delete job" };
export const listing: Failing = { code: "DAPR_SCHEDULER_LIST_JOBS", what: "list jobs" };

/** In the words of a sidecar whose scheduler service has refused a call, or could not be reached. */
export function schedulerFailed(
  app: Pick<App, "appId" | "namespace">,
  { code, what }: Failing,
  why: string,
  cause?: unknown,
): ApiError {
  return schedulerError(app, code, `failed to ${what} due to: ${why}`, { cause });
}
