import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
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
  ["Start", startWorkflow],
  ["Get", getWorkflow],
  ["Purge", purgeWorkflow],
  ["Terminate", terminateWorkflow],
  ["Pause", pauseWorkflow],
  ["Resume", resumeWorkflow],
  ["RaiseEvent", raiseEvent],
] as const;

export function workflowGrpc(routes: GrpcRoutes): void {
  for (const [verb, operation] of rows)
    for (const version of ["Alpha1", "Beta1"] as const)
      routes.unary(
        `${verb}Workflow${version}`,
        operation,
        () => undefined,
        () => ({}),
      );
}
