import { messageOf } from "#core/errors/component-error.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { jsonText, noContent, type RouteResponse } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { getting, schedulerFailed } from "./errors.ts";
import type { Job } from "./job.ts";
import type { JobName, JobOperations } from "./operations.ts";
import { readJob } from "./read-job.ts";
import { jobJson } from "./write-job.ts";

export function jobsHttp(routes: HttpRoutes, operations: JobOperations): void {
  for (const version of ["v1.0", "v1.0-alpha1"]) {
    const path = `/${version}/jobs/:name`;
    routes.on(["POST"], path, operations.schedule, readJob, () => noContent);
    routes.on(["GET"], path, operations.get, readName, writeJob);
    routes.on(["DELETE"], path, operations.delete, readName, () => noContent);
  }
}

function readName(input: HttpInput): JobName {
  return { name: input.param("name") };
}

/** Data of a type that nobody here knows was scheduled over gRPC, and is to be asked for there. */
function writeJob(job: Job, { app }: HttpInput): RouteResponse {
  try {
    return jsonText(jobJson(job));
  } catch (reason) {
    throw schedulerFailed(app, getting, `proto:\u00a0${messageOf(reason)}`, reason);
  }
}
