import type { App } from "#core/kernel/app.ts";
import { deliverEvent } from "#core/blocks/bindings/deliver.ts";

/** The schedules of the app's cron bindings, by their names. */
export function cronSchedules(app: App): ReadonlyMap<string, string> {
  const schedules = new Map<string, string>();
  for (const { name, type } of app.components.loaded) {
    const schedule = app.component("bindings.input", name)?.metadata["schedule"];
    if (type.toLowerCase() === "bindings.cron" && schedule !== undefined)
      schedules.set(name, schedule.trim());
  }
  return schedules;
}

/** Rejects when the app did not take an event, so that the platform shows the failure; the others are still delivered. */
export async function fireCron(app: App, bindings: readonly string[], now: number): Promise<void> {
  const event = { metadata: { timeZone: "UTC", readTimeUTC: new Date(now).toISOString() } };
  const { signal } = new AbortController();
  const results = await Promise.allSettled(
    bindings.map((name) => deliverEvent(app, name, event, { signal })),
  );
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  if (failures.length > 0)
    throw failures.length === 1
      ? failures[0]
      : new AggregateError(failures, "Several bindings failed");
}
