import type { Durable } from "#core/blocks/_shared/durable.ts";
import type { App } from "#core/kernel/app.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { DueKey } from "#core/ports/due-times.ts";
import { actorComponent } from "./actor-store.ts";
import { queueOf } from "./reminder.ts";

/** Not a queue that is ever served. */
const hostsQueue = "actor hosts without durable state";
/** The year 9999. */
const never = 253_402_300_799_000;

/**
 * Called before an app becomes a host. Actors whose state has ended with its process do not come back, and their
 * reminders would reach the actors of whichever app hosts the type next on this machine. An app that only starts again
 * keeps them, as with Dapr.
 */
export async function forgetReminders(
  app: App,
  { membership, dueTimes }: Pick<Durable, "membership" | "dueTimes">,
  types: Iterable<string>,
  options: CallOptions,
): Promise<void> {
  if (!actorComponent(app)?.port.isVolatile) return;
  const { namespace, appId } = app;
  await membership.refresh(options);
  for (const type of types) {
    if (membership.hostsOf(namespace, type).length > 0) continue;
    const queue = queueOf(namespace, type);
    const host: DueKey = { queue: hostsQueue, owner: queue, name: "" };
    const before = await dueTimes.get(host, options);
    if (before?.data === appId) continue;
    await dueTimes.deleteAll({ queue }, options);
    await dueTimes.put({ ...host, dueAt: never, data: appId }, true, options);
  }
}
