import { messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import type { Serving } from "#core/due-times/engine.ts";
import { afterRun, isTooLate } from "#core/due-times/trigger.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ClaimedEntry, DueEntry } from "#core/ports/due-times.ts";
import { headerOf } from "#core/util/header-list.ts";
import { isTruthy } from "#core/util/truthy.ts";
import type { BesideHosting } from "./app-actors.ts";
import { cancelHeader } from "./invoke.ts";
import { localHosts } from "./local-hosts.ts";
import { queueOf, readKept, withTrigger } from "./reminder.ts";
import { isUnhosted, routeTurn } from "./router.ts";

/** Fires the reminders of the types that the app hosts, each at whoever owns its actor. */
export function createReminders(app: App, services: RuntimeServices): BesideHosting {
  const { clock, log } = services.platform;
  let serving: readonly Serving[] = [];

  async function fire(
    type: string,
    entry: ClaimedEntry,
    options: CallOptions,
  ): Promise<Pick<DueEntry, "dueAt" | "data"> | undefined> {
    const startedAt = clock.now();
    const kept = readKept(entry);
    if (isTooLate(kept.trigger, kept.trigger.startedAt ?? startedAt)) return undefined;
    const reminder = { name: entry.name, data: kept.data };
    const turn = { kind: "remind", actor: { type, id: entry.owner }, reminder } as const;
    let isDone = false;
    let isCancelled = false;
    try {
      const locals = services.part(localHosts);
      const { status, headers } = await routeTurn(app, turn, services, locals, options);
      isDone = status === 200;
      isCancelled = isDone && isTruthy(headerOf(headers, cancelHeader) ?? "");
      if (!isDone) log.warn(`A reminder of an actor of type ${type} was answered ${status}`);
    } catch (reason) {
      // Nobody could take it: that is not a failure of the run.
      if (options.signal.aborted || isUnhosted(reason))
        return { dueAt: clock.now() + waitMs, data: entry.data };
      log.warn(`A reminder of an actor of type ${type} has failed: ${messageOf(reason)}`);
    }
    app.telemetry.metrics?.count("runtime_actor_reminders_fired_total", {
      actor_type: type,
      success: String(isDone),
    });
    if (isCancelled) return undefined;
    const next = afterRun(kept.trigger, isDone ? "done" : "failed", startedAt, clock.now());
    return next && { dueAt: next.dueAt, data: withTrigger(kept, next.trigger) };
  }

  return {
    started: ({ types, durable: { engine } }) => {
      serving = [...types.keys()].map((type) =>
        engine.serve(queueOf(app.namespace, type), (entry, options) => fire(type, entry, options)),
      );
    },
    stopped: async () => {
      const stopping = serving;
      serving = [];
      await Promise.allSettled(stopping.map((each) => each.stop()));
    },
  };
}

/** Between looks for a host that has gone. */
const waitMs = 1000;
