import type { RequestOf, ResponseInit } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { bytesValue } from "./bytes-value.ts";
import type { ActorConfiguration, ActorDefaults } from "./settings.ts";
import { hostActors } from "./stream.ts";
import type { HostMessage, ToHost } from "./stream-messages.ts";

type In = RequestOf<"SubscribeActorEventsAlpha1">;
type Out = ResponseInit<"SubscribeActorEventsAlpha1">;
type Initial = Extract<In["requestType"], { case: "initialRequest" }>["value"];
type Entry = Initial["entitiesConfig"][number];

export function actorStreamGrpc(routes: GrpcRoutes): void {
  routes.bidi("SubscribeActorEventsAlpha1", hostActors, readAll, write);
}

async function* readAll(messages: AsyncIterable<In>): AsyncGenerator<HostMessage> {
  for await (const message of messages) yield read(message);
}
function read({ requestType: message }: In): HostMessage {
  switch (message.case) {
    case "initialRequest":
      return { kind: "initial", configuration: readInitial(message.value) };
    case "invokeResponse": {
      const { id, data, metadata, error } = message.value;
      return { kind: "invoke", id, data, metadata, isError: error };
    }
    case "reminderResponse":
      return { kind: "reminder", id: message.value.id, cancels: message.value.cancel };
    case "timerResponse":
      return { kind: "timer", id: message.value.id, cancels: message.value.cancel };
    case "deactivateResponse":
      return { kind: "deactivate", id: message.value.id };
    case "requestFailed": {
      const { id, code, message: text } = message.value;
      return { kind: "failed", id, code, message: text };
    }
    default:
      return { kind: "nothing" };
  }
}

function readInitial(initial: Initial): ActorConfiguration {
  return {
    entities: initial.entities,
    ...readDefaults(initial),
    entitiesConfig: initial.entitiesConfig.map((entry) => ({
      entities: entry.entities,
      ...readDefaults(entry),
    })),
  };
}
function readDefaults({
  actorIdleTimeout,
  drainOngoingCallTimeout,
  drainRebalancedActors,
  reentrancy,
}: Initial | Entry): ActorDefaults {
  return {
    idleMs: msOf(actorIdleTimeout),
    drainMs: msOf(drainOngoingCallTimeout),
    drains: drainRebalancedActors,
    ...(reentrancy
      ? { reentrancy: { enabled: reentrancy.enabled, maxStackDepth: reentrancy.maxStackDepth } }
      : {}),
  };
}
function msOf(duration: Initial["actorIdleTimeout"]): number | undefined {
  return duration && Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

function write(message: ToHost): Out {
  if (message.kind === "started") return { responseType: { case: "initialResponse", value: {} } };
  const { id, actor } = message;
  const named = { id, actorType: actor.type, actorId: actor.id };
  switch (message.kind) {
    case "invoke": {
      const { method, metadata, body } = message;
      const value = { ...named, method, metadata, ...(body ? { data: body } : {}) };
      return { responseType: { case: "invokeRequest", value } };
    }
    case "reminder": {
      const { name, data } = message;
      return { responseType: { case: "reminderRequest", value: { ...named, name, ...any(data) } } };
    }
    case "timer": {
      const { name, dueTime, period, callback, data } = message.timer;
      const value = { ...named, name, dueTime, period, callback, ...any(data) };
      return { responseType: { case: "timerRequest", value } };
    }
    case "deactivate":
      return { responseType: { case: "deactivateRequest", value: named } };
  }
}
function any(data: string | undefined): { readonly data?: ReturnType<typeof bytesValue> } {
  return data === undefined ? {} : { data: bytesValue(data) };
}
