import { noScheduler } from "#core/errors/not-built.ts";
import { type NotBuilt, notBuilt } from "#core/blocks/_shared/not-built.ts";

type Code = Parameters<typeof noScheduler>[0];
const operation = (verb: string, endpoint: string, code: Code, what: string): NotBuilt =>
  notBuilt(`jobs.${verb}`, "jobs", endpoint, noScheduler(code, what));

export const scheduleJob: NotBuilt = operation(
  "schedule",
  "ScheduleJob",
  "DAPR_SCHEDULER_SCHEDULE_JOB",
  "schedule job",
);
export const getJob: NotBuilt = operation("get", "GetJob", "DAPR_SCHEDULER_GET_JOB", "get job");
export const deleteJob: NotBuilt = operation(
  "delete",
  "DeleteJob",
  "DAPR_SCHEDULER_DELETE_JOB",
  "delete job",
);
export const deleteJobsByPrefix: NotBuilt = operation(
  "delete_by_prefix",
  "DeleteJobsByPrefix",
  "DAPR_SCHEDULER_DELETE_JOB",
  "delete job",
);
export const listJobs: NotBuilt = operation(
  "list",
  "ListJobs",
  "DAPR_SCHEDULER_LIST_JOBS",
  "list jobs",
);
