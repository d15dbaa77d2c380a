import { messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import type { ActorName, ActorTick } from "#core/ports/actor-host.ts";
import { headerOf } from "#core/util/header-list.ts";
import { isTruthy } from "#core/util/truthy.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import { localHosts } from "./local-hosts.ts";
import { routeTurn } from "./router.ts";
import type { BesideHosting } from "./app-actors.ts";
import { cancelHeader } from "./invoke.ts";
import type { TimerPlan } from "./timer-times.ts";

/** The timers of one app's actors: in memory, for as long as the app hosts their types and they do not move away. */
export interface Timers extends BesideHosting {
  /** Replaces the timer of that name. */
  put(actor: ActorName, tick: ActorTick, plan: TimerPlan): void;
  delete(actor: ActorName, name: string): void;
  /** By actor type. */
  count(type: string): number;
}

interface Timer {
  readonly actor: ActorName;
  readonly tick: ActorTick;
  readonly plan: TimerPlan;
  dueAt: number;
  left: number;
  cancel: (() => void) | undefined;
}

export function createTimers(app: App, services: RuntimeServices): Timers {
  const timers = new Map<string, Timer>();
  let ending = new AbortController();
  const { clock, log } = services.platform;
  const locals = services.part(localHosts);
  const keyOf = ({ type, id }: ActorName, name: string): string => JSON.stringify([type, id, name]);
  const counts = new Map<string, number>();
  const count = (type: string): number => counts.get(type) ?? 0;
  function countOne(type: string, by: 1 | -1): void {
    const now = count(type) + by;
    counts.set(type, now);
    app.telemetry.metrics?.gauge("runtime_actor_timers", { actor_type: type }, now);
  }

  function drop(key: string, timer: Timer): void {
    timer.cancel?.();
    if (timers.get(key) !== timer) return;
    timers.delete(key);
    countOne(timer.actor.type, -1);
  }
  function arm(key: string, timer: Timer): void {
    timer.cancel = clock.after(Math.max(0, timer.dueAt - clock.now()), () => {
      timer.cancel = undefined;
      // Timers of the platform may fire a little early, and wait no longer than they can.
      if (clock.now() < timer.dueAt) return arm(key, timer);
      void run(key, timer);
    });
  }
  async function run(key: string, timer: Timer): Promise<void> {
    const { actor, tick } = timer;
    const labels = { actor_type: actor.type };
    let isCancelled = false;
    try {
      // Deleted, or replaced, while it waits for its turn; by its own tick it may be.
      const isWanted = (): boolean => timers.get(key) === timer;
      const turn = { kind: "tick", actor, tick, isWanted } as const;
      const answer = await routeTurn(app, turn, services, locals, ending);
      const isDone = answer.status === 200;
      if (!isDone)
        log.warn(`A timer of an actor of type ${actor.type} was answered ${answer.status}`);
      isCancelled = isDone && isTruthy(headerOf(answer.headers, cancelHeader) ?? "");
      app.telemetry.metrics?.count("runtime_actor_timers_fired_total", {
        ...labels,
        success: String(isDone),
      });
    } catch (reason) {
      if (ending.signal.aborted) return;
      log.warn(`A timer of an actor of type ${actor.type} has failed: ${messageOf(reason)}`);
      app.telemetry.metrics?.count("runtime_actor_timers_fired_total", {
        ...labels,
        success: "false",
      });
    }
    if (timers.get(key) !== timer) return;
    const next = --timer.left > 0 && !isCancelled ? timer.plan.after(timer.dueAt) : undefined;
    if (next === undefined || next >= timer.plan.expiresAt) return drop(key, timer);
    timer.dueAt = next;
    arm(key, timer);
  }

  return {
    put: (actor, tick, plan) => {
      const key = keyOf(actor, tick.name);
      const before = timers.get(key);
      before?.cancel?.();
      const timer: Timer = {
        actor,
        tick,
        plan,
        dueAt: plan.dueAt,
        left: plan.ticks,
        cancel: undefined,
      };
      timers.set(key, timer);
      if (!before) countOne(actor.type, 1);
      arm(key, timer);
    },
    delete: (actor, name) => {
      const key = keyOf(actor, name);
      const timer = timers.get(key);
      if (timer) drop(key, timer);
    },
    count,
    left: (actor) => {
      for (const [key, timer] of timers)
        if (timer.actor.type === actor.type && timer.actor.id === actor.id) drop(key, timer);
    },
    started: () => {
      ending = new AbortController();
    },
    stopped: async () => {
      ending.abort(new Error("the actor host is ending"));
      for (const [key, timer] of timers) drop(key, timer);
    },
  };
}
