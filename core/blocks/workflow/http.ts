import { noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import {
  getWorkflow,
  pauseWorkflow,
  purgeWorkflow,
  raiseEvent,
  resumeWorkflow,
  startWorkflow,
  terminateWorkflow,
} from "./operations.ts";

const rows = [
  ["POST", ":name/start", startWorkflow],
  ["GET", ":id", getWorkflow],
  ["POST", ":id/raiseEvent/:event", raiseEvent],
  ["POST", ":id/pause", pauseWorkflow],
  ["POST", ":id/resume", resumeWorkflow],
  ["POST", ":id/terminate", terminateWorkflow],
  ["POST", ":id/purge", purgeWorkflow],
] as const;

export function workflowHttp(routes: HttpRoutes): void {
  for (const version of ["v1.0", "v1.0-beta1", "v1.0-alpha1"])
    for (const [method, path, operation] of rows)
      routes.on(
        [method],
        `/${version}/workflows/:component/${path}`,
        operation,
        () => undefined,
        () => noContent,
      );
}
