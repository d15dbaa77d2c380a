import { messageOf } from "#core/errors/component-error.ts";
import { type Durable, durableOf } from "#core/blocks/_shared/durable.ts";
import type { Call } from "#core/kernel/call.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { ActorName } from "#core/ports/actor-host.ts";
import type { DueEntry, DueKey } from "#core/ports/due-times.ts";
import { appActors } from "./app-actors.ts";
import { actorError } from "./errors.ts";
import { actorFacts } from "./facts.ts";
import { checkPlacement } from "./invoke.ts";
import { checkEntryName, checkReserved } from "./names.ts";
import {
  queueOf,
  reminderEntry,
  type ReminderRequest,
  type ReminderView,
  viewOf,
} from "./reminder.ts";

export interface NamedReminder extends ActorName {
  readonly name: string;
}
/** Reminders of a type, or of one of its actors. */
export interface SelectReminders {
  readonly type: string;
  readonly id: string | undefined;
}

export interface ReminderOperations {
  readonly register: Operation<ReminderRequest, void>;
  readonly get: Operation<NamedReminder, ReminderView>;
  readonly unregister: Operation<NamedReminder, void>;
  readonly list: Operation<SelectReminders, readonly ReminderView[]>;
  readonly unregisterAll: Operation<SelectReminders, void>;
}

const page = 500;

export const reminderOperations: RuntimePart<ReminderOperations> = {
  name: "actors.reminder-operations",
  create: (services) => ({
    register: defineOperation(
      "actors.register_reminder",
      actorFacts("RegisterActorReminder"),
      async (call, request) => {
        const durable = await open(call, request.type, services, request.name);
        checkScheduler(call, "ERR_ACTOR_REMINDER_CREATE", "error creating actor reminder: ");
        const now = services.platform.clock.now();
        const entry = reminderEntry(call.app.namespace, request, now);
        try {
          // Its time is over: it replaces what there was, and is gone itself.
          if (!entry) return void (await durable.dueTimes.delete(keyOf(call, request), call));
          if (await durable.engine.put(entry, request.overwrite, call)) return;
        } catch (reason) {
          throw failed("ERR_ACTOR_REMINDER_CREATE", "creating", reason);
        }
        throw actorError(
          "ERR_ACTOR_REMINDER_ALREADY_EXISTS",
          `actor reminder already exists: ${request.name}`,
        );
      },
    ),
    get: defineOperation(
      "actors.get_reminder",
      actorFacts("GetActorReminder"),
      async (call, input) => {
        const { dueTimes } = await open(call, input.type, services, input.name);
        checkScheduler(
          call,
          "ERR_ACTOR_REMINDER_GET",
          "error getting actor reminder: api error: code = Internal desc = failed to get job due to: ",
        );
        let entry: DueEntry | undefined;
        try {
          entry = await dueTimes.get(keyOf(call, input), call);
        } catch (reason) {
          throw failed("ERR_ACTOR_REMINDER_GET", "getting", reason);
        }
        if (entry) return viewOf(input.type, entry);
        throw actorError("ERR_ACTOR_REMINDER_NOT_FOUND", `actor reminder not found: ${input.name}`);
      },
    ),
    unregister: defineOperation(
      "actors.unregister_reminder",
      actorFacts("UnregisterActorReminder"),
      async (call, input) => {
        const { dueTimes } = await open(call, input.type, services, input.name);
        checkScheduler(call, "ERR_ACTOR_REMINDER_DELETE", "error deleting actor reminder: ");
        try {
          await dueTimes.delete(keyOf(call, input), call);
        } catch (reason) {
          throw failed("ERR_ACTOR_REMINDER_DELETE", "deleting", reason);
        }
      },
    ),
    list: defineOperation(
      "actors.list_reminders",
      actorFacts("ListActorReminders"),
      async (call, { type, id }) => {
        const { dueTimes } = await open(call, type, services);
        const found: ReminderView[] = [];
        const selection = { queue: queueOf(call.app.namespace, type), owner: id };
        for (let after: DueKey | undefined; ;) {
          const entries = await dueTimes.list(selection, {
            signal: call.signal,
            limit: page,
            after,
          });
          found.push(...entries.map((entry) => viewOf(type, entry)));
          if (entries.length < page) return found;
          after = entries.at(-1);
        }
      },
    ),
    unregisterAll: defineOperation(
      "actors.unregister_reminders_by_type",
      actorFacts("UnregisterActorRemindersByType"),
      async (call, { type, id }) => {
        const { dueTimes } = await open(call, type, services);
        await dueTimes.deleteAll({ queue: queueOf(call.app.namespace, type), owner: id }, call);
      },
    ),
  }),
};

/** Checks what stands before every call, and opens the store. */
async function open(
  call: Call,
  type: string,
  services: RuntimeServices,
  name?: string,
): Promise<Durable> {
  checkPlacement(call);
  checkReserved(type);
  if (name !== undefined) checkEntryName(name);
  const actors = services.part(appActors)(call.app);
  await actors.ready(call);
  if (!actors.hosting?.types.has(type))
    throw actorError(
      "ERR_ACTOR_REMINDER_NON_HOSTED",
      "operations on actor reminders are only possible on hosted actor types",
    );
  return durableOf(call.app, services);
}

/** Dapr: without a scheduler service there are no reminders; each call says so in its own way. */
function checkScheduler({ app }: Call, code: ReminderError, before: string): void {
  if (!app.part(appCoordination).source?.jobs)
    throw actorError(code, `${before}scheduler clients are disabled`);
}

function keyOf({ app }: Call, { type, id, name }: NamedReminder): DueKey {
  return { queue: queueOf(app.namespace, type), owner: id, name };
}

type ReminderError =
  | "ERR_ACTOR_REMINDER_CREATE"
  | "ERR_ACTOR_REMINDER_GET"
  | "ERR_ACTOR_REMINDER_DELETE";
function failed(code: ReminderError, doing: string, reason: unknown): Error {
  return actorError(code, `error ${doing} actor reminder: ${messageOf(reason)}`, {
    cause: reason,
  });
}
