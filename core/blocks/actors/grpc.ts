import type { UnaryRpc } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type { NotBuilt } from "#core/blocks/_shared/not-built.ts";
import {
  getActorState,
  getReminder,
  invokeActor,
  listReminders,
  registerReminder,
  registerTimer,
  transactActorState,
  unregisterReminder,
  unregisterRemindersByType,
  unregisterTimer,
} from "./operations.ts";

const rows: ReadonlyArray<readonly [UnaryRpc, NotBuilt]> = [
  ["RegisterActorTimer", registerTimer],
  ["UnregisterActorTimer", unregisterTimer],
  ["RegisterActorReminder", registerReminder],
  ["UnregisterActorReminder", unregisterReminder],
  ["UnregisterActorRemindersByType", unregisterRemindersByType],
  ["GetActorReminder", getReminder],
  ["ListActorReminders", listReminders],
  ["GetActorState", getActorState],
  ["ExecuteActorStateTransaction", transactActorState],
  ["InvokeActor", invokeActor],
];

export function actorsGrpc(routes: GrpcRoutes): void {
  for (const [rpc, operation] of rows)
    routes.unary(
      rpc,
      operation,
      () => undefined,
      () => ({}),
    );
}
