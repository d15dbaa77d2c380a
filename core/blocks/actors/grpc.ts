import type { FailurePolicy } from "#core/due-times/failure-policy.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import { toBase64 } from "#core/util/base64.ts";
import { bytesOf } from "#core/util/bytes.ts";
import type { RequestOf } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { bytesValue } from "./bytes-value.ts";
import { actorError } from "./errors.ts";
import { grpcContentType } from "./grpc-content-type.ts";
import { actorInvocation, type InvokeActor } from "./invoke.ts";
import type { ReminderRequest, ReminderView } from "./reminder.ts";
import { reminderOperations } from "./reminder-operations.ts";
import { type ActorStateOp, actorState } from "./state.ts";
import { actorStreamGrpc } from "./stream-grpc.ts";
import { timerOperations } from "./timer-operations.ts";

export function actorsGrpc(routes: GrpcRoutes, services: RuntimeServices): void {
  routes.unary("InvokeActor", services.part(actorInvocation), readInvoke, ({ body }) => ({
    data: body,
  }));
  const { get, transact } = services.part(actorState);
  routes.unary(
    "GetActorState",
    get,
    ({ actorType: type, actorId: id, key }) => ({ type, id, key }),
    (item) => ({
      data: bytesOf(item?.value ?? ""),
      metadata: { ...item?.metadata },
    }),
  );
  routes.unary(
    "ExecuteActorStateTransaction",
    transact,
    ({ actorType: type, actorId: id, operations }) => ({
      type,
      id,
      operations: operations.map(({ operationType, key, value, metadata }): ActorStateOp => ({
        operation: operationType,
        request: { key, value: value?.value ?? new Uint8Array(0), metadata },
      })),
    }),
    nothing,
  );
  const timers = services.part(timerOperations);
  routes.unary(
    "RegisterActorTimer",
    timers.register,
    ({ actorType: type, actorId: id, name, dueTime, period, callback, data, ttl }) => ({
      type,
      id,
      name,
      dueTime,
      period,
      callback,
      ttl,
      data: dataOf(data),
    }),
    nothing,
  );
  routes.unary("UnregisterActorTimer", timers.unregister, named, nothing);
  const reminders = services.part(reminderOperations);
  routes.unary("RegisterActorReminder", reminders.register, readReminder, nothing);
  routes.unary("UnregisterActorReminder", reminders.unregister, named, nothing);
  routes.unary("GetActorReminder", reminders.get, named, (view) => writeReminder(view, true));
  routes.unary(
    "ListActorReminders",
    reminders.list,
    ({ actorType: type, actorId: id }) => ({ type, id }),
    (views) => ({
      // Dapr: a list says nothing of how long they live.
      reminders: views.map((view) => ({ name: view.name, reminder: writeReminder(view, false) })),
    }),
  );
  routes.unary(
    "UnregisterActorRemindersByType",
    reminders.unregisterAll,
    ({ actorType: type, actorId: id }) => ({ type, id }),
    nothing,
  );
  actorStreamGrpc(routes);
}

const nothing = (): object => ({});

function named({
  actorType: type,
  actorId: id,
  name,
}: {
  readonly actorType: string;
  readonly actorId: string;
  readonly name: string;
}): { readonly type: string; readonly id: string; readonly name: string } {
  return { type, id, name };
}

/** The metadata become headers; the call's own stay behind. */
function readInvoke({
  actorType: type,
  actorId: id,
  method,
  data,
  metadata,
}: RequestOf<"InvokeActor">): InvokeActor {
  const headers = Object.entries(metadata).flatMap(([name, value]) => [
    name.toLowerCase() === "content-type" ? grpcContentType : name,
    value,
  ]);
  // Dapr: an actor without a type or an id is looked for without either.
  const isNobody = type === "" || id === "";
  return {
    type: isNobody ? "" : type,
    id: isNobody ? "" : id,
    method,
    query: "",
    headers,
    body: data.byteLength > 0 ? data : undefined,
  };
}

/** Dapr: whatever the bytes hold, the app gets a JSON text of their base64. */
function dataOf(data: Uint8Array): string | undefined {
  return data.byteLength === 0 ? undefined : JSON.stringify(toBase64(data));
}

function readReminder(request: RequestOf<"RegisterActorReminder">): ReminderRequest {
  const { dueTime, period, ttl, data, overwrite = true, failurePolicy } = request;
  if (request.name === "")
    throw actorError("ERR_BAD_REQUEST", "invalid request: reminder name cannot be empty");
  return {
    ...named(request),
    dueTime,
    period,
    ttl,
    data: dataOf(data),
    overwrite,
    failurePolicy: policyOf(failurePolicy?.policy),
  };
}

type Policy = NonNullable<RequestOf<"RegisterActorReminder">["failurePolicy"]>["policy"];
function policyOf(policy: Policy | undefined): FailurePolicy | undefined {
  switch (policy?.case) {
    case "drop":
      return { kind: "drop" };
    case "constant": {
      const { interval, maxRetries } = policy.value;
      return {
        kind: "constant",
        interval: interval && { seconds: Number(interval.seconds), nanos: interval.nanos },
        maxRetries,
      };
    }
    default:
      return undefined;
  }
}

/** The data as a google.protobuf.BytesValue of their JSON text. */
function writeReminder(view: ReminderView, withTtl: boolean) {
  const { type, id, dueTime, period, ttl, data } = view;
  return {
    actorType: type,
    actorId: id,
    ...(dueTime === undefined ? {} : { dueTime }),
    ...(period === undefined ? {} : { period }),
    ...(ttl === undefined || !withTtl ? {} : { ttl }),
    ...(data === undefined ? {} : { data: bytesValue(data) }),
  };
}
