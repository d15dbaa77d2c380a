import { noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { deleteJob, getJob, scheduleJob } from "./operations.ts";

export function jobsHttp(routes: HttpRoutes): void {
  for (const version of ["v1.0", "v1.0-alpha1"])
    for (const [method, operation] of [
      ["GET", getJob],
      ["POST", scheduleJob],
      ["DELETE", deleteJob],
    ] as const)
      routes.on(
        [method],
        `/${version}/jobs/:name`,
        operation,
        () => undefined,
        () => noContent,
      );
}
