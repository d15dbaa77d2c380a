import type { Resource } from "#core/resources/resource.ts";
import { isVisible } from "#core/resources/scopes.ts";
import type { AppRef, Log } from "#core/ports/platform.ts";
import { ncrontab } from "./ncrontab.ts";

export interface Timer {
  readonly functionName: string;
  readonly binding: string;
  /** As the platform's timer trigger takes it. */
  readonly schedule: string;
}

/** A timer trigger for each cron binding that the app sees. */
export function timersOf(resources: readonly Resource[], app: AppRef, log: Log): readonly Timer[] {
  const timers: Timer[] = [];
  for (const resource of resources) {
    if (resource.kind !== "Component" || resource.spec.type.toLowerCase() !== "bindings.cron")
      continue;
    if (!isVisible(resource, app)) continue;
    const given = resource.spec.metadata.find(
      ({ name }) => name.toLowerCase() === "schedule",
    )?.value;
    const schedule = typeof given === "string" ? ncrontab(given) : undefined;
    if (schedule === undefined) {
      log.error(
        `Cannot set a timer for binding "${resource.name}": write its schedule as five or six cron fields, @hourly, @daily, @weekly, @monthly, @yearly or "@every <duration>"`,
      );
      continue;
    }
    // Component names have no underscore, so that two of them never become one function name.
    timers.push({
      functionName: `cron-${resource.name.replace(/[^\w-]/g, "_")}`,
      binding: resource.name,
      schedule,
    });
  }
  return timers;
}
