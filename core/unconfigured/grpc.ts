import type { UnaryRpc } from "#core/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/grpc/surface.ts";
import { defineOperation } from "#core/operation.ts";
import { noPlacement, noScheduler, type Refusal } from "./errors.ts";

const actors: readonly UnaryRpc[] = [
  "RegisterActorTimer",
  "UnregisterActorTimer",
  "RegisterActorReminder",
  "UnregisterActorReminder",
  "UnregisterActorRemindersByType",
  "GetActorReminder",
  "ListActorReminders",
  "GetActorState",
  "ExecuteActorStateTransaction",
  "InvokeActor",
];
const workflows = ["Start", "Get", "Purge", "Terminate", "Pause", "Resume", "RaiseEvent"] as const;
const versions = ["Alpha1", "Beta1"] as const;
const schedule = noScheduler("DAPR_SCHEDULER_SCHEDULE_JOB", "schedule job");
const get = noScheduler("DAPR_SCHEDULER_GET_JOB", "get job");
const remove = noScheduler("DAPR_SCHEDULER_DELETE_JOB", "delete job");
const list = noScheduler("DAPR_SCHEDULER_LIST_JOBS", "list jobs");

const rows: ReadonlyArray<readonly [UnaryRpc, Refusal]> = [
  ...actors.map((rpc) => [rpc, noPlacement("actors")] as const),
  ...workflows.flatMap((verb) =>
    versions.map((version) => [`${verb}Workflow${version}`, noPlacement("workflows")] as const),
  ),
  ...(["", "Alpha1"] as const).flatMap(
    (version) =>
      [
        [`ScheduleJob${version}`, schedule],
        [`GetJob${version}`, get],
        [`DeleteJob${version}`, remove],
        [`DeleteJobsByPrefix${version}`, remove],
        [`ListJobs${version}`, list],
      ] as const,
  ),
];

/** Answers as a sidecar does that has neither placement nor scheduler. */
export function unconfiguredGrpc(routes: GrpcRoutes): void {
  for (const [rpc, refuse] of rows) {
    const operation = defineOperation<undefined, never>(`unconfigured.${rpc}`, async ({ app }) => {
      throw refuse(app);
    });
    routes.unary(
      rpc,
      operation,
      () => undefined,
      () => ({}),
    );
  }
}
