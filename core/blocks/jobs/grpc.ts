import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { deleteJob, deleteJobsByPrefix, getJob, listJobs, scheduleJob } from "./operations.ts";

const rows = [
  ["ScheduleJob", scheduleJob],
  ["GetJob", getJob],
  ["DeleteJob", deleteJob],
  ["DeleteJobsByPrefix", deleteJobsByPrefix],
  ["ListJobs", listJobs],
] as const;

export function jobsGrpc(routes: GrpcRoutes): void {
  for (const [rpc, operation] of rows)
    for (const version of ["", "Alpha1"] as const)
      routes.unary(
        `${rpc}${version}`,
        operation,
        () => undefined,
        () => ({}),
      );
}
