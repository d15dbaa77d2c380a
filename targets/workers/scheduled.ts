import { cronSchedules, fireCron } from "#targets/_shared/fire-cron.ts";
import type { OneApp } from "#targets/_shared/one-app.ts";

/** Fires the cron bindings whose schedule is the trigger's. */
export async function fireTrigger({ app, log }: OneApp, cron: string, now: number): Promise<void> {
  const names = [...cronSchedules(app)].flatMap(([name, schedule]) =>
    schedule === cron ? [name] : [],
  );
  if (names.length === 0) log.warn(`No cron binding has the schedule "${cron}" of this trigger`);
  await fireCron(app, names, now);
}
