import { type ApiError, type ErrorDetail, type Fail, failWith } from "#core/errors/api-error.ts";
import type { App } from "#core/app.ts";
import { noContent } from "#core/http/answer.ts";
import type { HttpRoutes } from "#core/http/surface.ts";
import { defineOperation } from "#core/operation.ts";

/**
 * Building blocks of which nothing can be configured in this version: they answer as a sidecar does that
 * has no such component or service. A block that arrives takes its rows with it.
 */
export const unconfiguredErrors = {
  ERR_CONFIGURATION_STORE_NOT_CONFIGURED: { http: 500, grpc: 9 },
  ERR_LOCK_STORE_NOT_CONFIGURED: { http: 500, grpc: 9 },
  ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED: { http: 500, grpc: 9 },
  ERR_ACTOR_NO_PLACEMENT: { http: 400, grpc: 14 },
  DAPR_SCHEDULER_GET_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_GET_JOB" },
  DAPR_SCHEDULER_SCHEDULE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_SCHEDULE_JOB" },
  DAPR_SCHEDULER_DELETE_JOB: { http: 500, grpc: 13, reason: "DAPR_SCHEDULER_DELETE_JOB" },
} as const;
const fail: Fail<typeof unconfiguredErrors> = failWith(unconfiguredErrors);

const write = ["POST", "PUT"] as const;
const turn = ["GET", "POST", "PUT", "DELETE"] as const;
type Row = readonly [
  methods: readonly string[],
  versions: readonly string[],
  path: string,
  refuse: (app: App) => ApiError,
];

const configuration = (): ApiError =>
  fail("ERR_CONFIGURATION_STORE_NOT_CONFIGURED", "configuration stores not configured");
const lock = (): ApiError => fail("ERR_LOCK_STORE_NOT_CONFIGURED", "lock store is not configured");
const crypto = (): ApiError =>
  fail("ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED", "crypto providers not configured");
const placement = (): ApiError =>
  fail("ERR_ACTOR_NO_PLACEMENT", "placement service is not configured");
const job =
  (code: keyof typeof unconfiguredErrors & `DAPR_${string}`, verb: string) =>
  (app: App): ApiError =>
    fail(code, `failed to ${verb} job due to: scheduler clients are disabled`, {
      details: [jobInfo(code, app)],
    });
function jobInfo(reason: string, app: App): ErrorDetail {
  const metadata = { appID: app.appId, namespace: app.namespace || "default" };
  return { type: "ErrorInfo", reason, metadata };
}

const stable = ["v1.0", "v1.0-alpha1"];
const workflow = ["v1.0", "v1.0-beta1", "v1.0-alpha1"];
const rows: readonly Row[] = [
  [["GET"], stable, "configuration/:store", configuration],
  [["GET"], stable, "configuration/:store/subscribe", configuration],
  [["GET"], stable, "configuration/:store/:id/unsubscribe", configuration],
  [["POST"], ["v1.0-alpha1"], "lock/:store", lock],
  [["POST"], ["v1.0-alpha1"], "unlock/:store", lock],
  [["PUT"], ["v1.0-alpha1"], "crypto/:name/encrypt", crypto],
  [["PUT"], ["v1.0-alpha1"], "crypto/:name/decrypt", crypto],
  [write, ["v1.0"], "actors/:type/:id/state", placement],
  [["GET"], ["v1.0"], "actors/:type/:id/state/:key", placement],
  [turn, ["v1.0"], "actors/:type/:id/method/:method", placement],
  [turn, ["v1.0"], "actors/:type/:id/reminders/:name", placement],
  [["POST", "PUT", "DELETE"], ["v1.0"], "actors/:type/:id/timers/:name", placement],
  [["GET"], stable, "jobs/:name", job("DAPR_SCHEDULER_GET_JOB", "get")],
  [["POST"], stable, "jobs/:name", job("DAPR_SCHEDULER_SCHEDULE_JOB", "schedule")],
  [["DELETE"], stable, "jobs/:name", job("DAPR_SCHEDULER_DELETE_JOB", "delete")],
  [["POST"], workflow, "workflows/:component/:name/start", placement],
  [["GET"], workflow, "workflows/:component/:id", placement],
  [["POST"], workflow, "workflows/:component/:id/raiseEvent/:event", placement],
  [["POST"], workflow, "workflows/:component/:id/:verb{pause|resume|terminate|purge}", placement],
];

export function unconfiguredHttp(routes: HttpRoutes): void {
  for (const [methods, versions, path, refuse] of rows) {
    const operation = defineOperation<undefined, void>(
      `unconfigured.${path.split("/", 1)[0] as string}`,
      async ({ app }) => {
        throw refuse(app);
      },
    );
    for (const version of versions)
      routes.on(
        methods,
        `/${version}/${path}`,
        operation,
        () => undefined,
        () => noContent,
      );
  }
}
