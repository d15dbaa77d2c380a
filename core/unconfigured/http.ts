import { noContent } from "#core/http/answer.ts";
import type { HttpRoutes } from "#core/http/surface.ts";
import { defineOperation } from "#core/operation.ts";
import { noPlacement, noScheduler as job, type Refusal } from "./errors.ts";

const write = ["POST", "PUT"] as const;
const turn = ["GET", "POST", "PUT", "DELETE"] as const;
type Row = readonly [
  methods: readonly string[],
  versions: readonly string[],
  path: string,
  refuse: Refusal,
];

const actor = noPlacement("actors");
const instance = noPlacement("workflows");
const stable = ["v1.0", "v1.0-alpha1"];
const workflow = ["v1.0", "v1.0-beta1", "v1.0-alpha1"];
const rows: readonly Row[] = [
  [write, ["v1.0"], "actors/:type/:id/state", actor],
  [["GET"], ["v1.0"], "actors/:type/:id/state/:key", actor],
  [turn, ["v1.0"], "actors/:type/:id/method/:method", actor],
  [turn, ["v1.0"], "actors/:type/:id/reminders/:name", actor],
  [["POST", "PUT", "DELETE"], ["v1.0"], "actors/:type/:id/timers/:name", actor],
  [["GET"], stable, "jobs/:name", job("DAPR_SCHEDULER_GET_JOB", "get job")],
  [["POST"], stable, "jobs/:name", job("DAPR_SCHEDULER_SCHEDULE_JOB", "schedule job")],
  [["DELETE"], stable, "jobs/:name", job("DAPR_SCHEDULER_DELETE_JOB", "delete job")],
  [["POST"], workflow, "workflows/:component/:name/start", instance],
  [["GET"], workflow, "workflows/:component/:id", instance],
  [["POST"], workflow, "workflows/:component/:id/raiseEvent/:event", instance],
  [["POST"], workflow, "workflows/:component/:id/:verb{pause|resume|terminate|purge}", instance],
];

/**
 * Building blocks of which nothing can be configured in this version: they answer as a sidecar does that
 * has no such service. A block that arrives takes its rows with it.
 */
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
