import { noPlacement } from "#core/errors/not-built.ts";
import { type NotBuilt, notBuilt } from "#core/blocks/_shared/not-built.ts";

const refuse = noPlacement("actors");
const operation = (verb: string, endpoint: string): NotBuilt =>
  notBuilt(`actors.${verb}`, "actors", endpoint, refuse);

export const invokeActor: NotBuilt = operation("invoke", "InvokeActor");
export const getActorState: NotBuilt = operation("get_state", "GetActorState");
export const transactActorState: NotBuilt = operation(
  "transact_state",
  "ExecuteActorStateTransaction",
);
export const registerReminder: NotBuilt = operation("register_reminder", "RegisterActorReminder");
export const getReminder: NotBuilt = operation("get_reminder", "GetActorReminder");
export const unregisterReminder: NotBuilt = operation(
  "unregister_reminder",
  "UnregisterActorReminder",
);
export const unregisterRemindersByType: NotBuilt = operation(
  "unregister_reminders_by_type",
  "UnregisterActorRemindersByType",
);
export const listReminders: NotBuilt = operation("list_reminders", "ListActorReminders");
export const registerTimer: NotBuilt = operation("register_timer", "RegisterActorTimer");
export const unregisterTimer: NotBuilt = operation("unregister_timer", "UnregisterActorTimer");
