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
import { changeTimerElsewhere } from "./owned-elsewhere.ts";
import type { TimerChange } from "./routed-turn.ts";
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
        await check(call, input, services);
        const { type, id, name, dueTime, period, callback, data, ttl } = input;
        if (!services.part(appActors)(call.app).hosting?.types.has(type))
          throw timerError(
            `can't create timer for actor ${type}||${id}: actor type not registered`,
          );
        try {
          const registered = { name, callback, dueTime, period, data, ttl };
          await change(call, { type, id }, { name, registered }, services);
        } catch (reason) {
          throw timerError(messageOf(reason), reason);
        }
      },
    ),
    unregister: defineOperation(
      "actors.unregister_timer",
      actorFacts("UnregisterActorTimer"),
      async (call, input) => {
        await check(call, input, services);
        const { type, id, name } = input;
        await change(call, { type, id }, { name }, services);
      },
    ),
  }),
};

/** Where the actor is: in this process, or another one of the same replica. One that is not active has its timers here. */
async function change(
  call: Call,
  actor: ActorName,
  asked: TimerChange,
  services: RuntimeServices,
): Promise<void> {
  const { app } = call;
  const isHere = services.part(appActors)(app).hosting?.actors.get(actor.type)?.get(actor.id);
  if (!isHere && (await changeTimerElsewhere(app, actor, asked, services, call))) return;
  changeTimer(app, actor, asked, services);
}

/** Throws for a timer that cannot be planned. */
export function changeTimer(
  app: App,
  actor: ActorName,
  { name, registered }: TimerChange,
  services: RuntimeServices,
): void {
  const timers = services.part(appTimers)(app);
  if (!registered) return timers.delete(actor, name);
  const key = `${actor.type}||${actor.id}||${name}`;
  const plan = planTimer(registered, services.platform.clock.now(), key);
  const { ttl: _, ...tick } = registered;
  timers.put(actor, tick, plan);
}

async function check(
  call: Call,
  { type, name }: UnregisterTimer,
  services: RuntimeServices,
): Promise<void> {
  checkPlacement(call);
  checkReserved(type);
  checkEntryName(name);
  await services.part(appActors)(call.app).ready(call);
}

function timerError(message: string, cause?: unknown): Error {
  return actorError("ERR_ACTOR_TIMER_CREATE", `error creating actor timer: ${message}`, { cause });
}
