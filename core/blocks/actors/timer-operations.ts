import { messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { ActorName, ActorTick } from "#core/ports/actor-host.ts";
import { appActors } from "./app-actors.ts";
import { actorError } from "./errors.ts";
import { actorFacts } from "./facts.ts";
import { checkPlacement } from "./invoke.ts";
import { checkEntryName, checkReserved } from "./names.ts";
import { planTimer } from "./timer-times.ts";
import { createTimers, type Timers } from "./timers.ts";

export interface RegisterTimer extends ActorName, ActorTick {
  readonly ttl: string;
}
export interface UnregisterTimer extends ActorName {
  readonly name: string;
}

/** By the app. */
export const appTimers: RuntimePart<(app: App) => Timers> = {
  name: "actors.timers",
  create: (services) => {
    const made = new WeakMap<App, Timers>();
    return (app) => {
      let timers = made.get(app);
      if (!timers) {
        timers = createTimers(app, services);
        made.set(app, timers);
        services.part(appActors)(app).beside(timers);
      }
      return timers;
    };
  },
};

export const timerOperations: RuntimePart<{
  readonly register: Operation<RegisterTimer, void>;
  readonly unregister: Operation<UnregisterTimer, void>;
}> = {
  name: "actors.timer-operations",
  create: (services) => ({
    register: defineOperation(
      "actors.register_timer",
      actorFacts("RegisterActorTimer"),
      async (call, input) => {
        const timers = await timersOf(call, input, services);
        const { type, id, name, dueTime, period, callback, data } = input;
        const key = `${type}||${id}`;
        if (!services.part(appActors)(call.app).hosting?.types.has(type))
          throw timerError(`can't create timer for actor ${key}: actor type not registered`);
        try {
          const plan = planTimer(input, services.platform.clock.now(), `${key}||${name}`);
          timers.put({ type, id }, { name, callback, dueTime, period, data }, plan);
        } catch (reason) {
          throw timerError(messageOf(reason), reason);
        }
      },
    ),
    unregister: defineOperation(
      "actors.unregister_timer",
      actorFacts("UnregisterActorTimer"),
      async (call, input) => {
        const timers = await timersOf(call, input, services);
        timers.delete(input, input.name);
      },
    ),
  }),
};

async function timersOf(
  call: Call,
  { type, name }: UnregisterTimer,
  services: RuntimeServices,
): Promise<Timers> {
  checkPlacement(call);
  checkReserved(type);
  checkEntryName(name);
  await services.part(appActors)(call.app).ready(call);
  return services.part(appTimers)(call.app);
}

function timerError(message: string, cause?: unknown): Error {
  return actorError("ERR_ACTOR_TIMER_CREATE", `error creating actor timer: ${message}`, { cause });
}
