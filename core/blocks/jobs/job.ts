import { type FailurePolicy } from "#core/due-times/failure-policy.ts";
import { hasExpired, type Trigger } from "#core/due-times/trigger.ts";
import type { App } from "#core/kernel/app.ts";
import type { DueEntry, DueKey } from "#core/ports/due-times.ts";
import type { JobData } from "./job-data.ts";

/** A job as it is scheduled, and shown. */
export interface Job {
  readonly name: string;
  readonly schedule?: string | undefined;
  /** Runs in all. */
  readonly repeats?: number | undefined;
  readonly dueTime?: string | undefined;
  readonly ttl?: string | undefined;
  readonly data?: JobData | undefined;
  readonly failurePolicy?: FailurePolicy | undefined;
}

/** Whose jobs they are. */
export type JobOwner = Pick<App, "appId" | "namespace">;

/** The jobs of one app. No separator: a namespace or an app id that is the beginning of another is not part of it. */
export function jobQueue({ appId, namespace }: JobOwner): string {
  return JSON.stringify(["job", namespace || "default", appId]);
}
export function jobKey(app: JobOwner, name: string): DueKey {
  return { queue: jobQueue(app), owner: "", name };
}

const longestKeyBytes = 512;

/** What Dapr's scheduler calls the job; refusals name it so. */
export function schedulerKey({ appId, namespace }: JobOwner, name: string): string {
  return `app||${namespace || "default"}||${appId}||${name}`;
}

/** Why a job cannot have that name; `undefined` where it can. */
export function nameFault(app: JobOwner, name: string): string | undefined {
  const key = schedulerKey(app, name);
  const invalid = (why: string): string => `job name is invalid ${JSON.stringify(key)}: ${why}`;
  if (new TextEncoder().encode(key).length > longestKeyBytes)
    return invalid(`must be at most ${longestKeyBytes} characters`);
  if (/[/\\#?]/.test(key)) return invalid("must not contain '/', '\\', '#' or '?'");
  if (/\p{Cc}/u.test(key)) return invalid("must not contain control characters");
  return undefined;
}

/** What an entry of the due times holds of a job: all but its name. */
export interface StoredJob {
  readonly dueTime?: string | undefined;
  readonly ttl?: string | undefined;
  readonly data?: JobData | undefined;
  readonly trigger: Trigger;
}

export function writeStored(job: StoredJob): string {
  return JSON.stringify(job);
}
export function readStored(data: string): StoredJob {
  return JSON.parse(data) as StoredJob;
}

/** The job of an entry; `undefined` once its time to live is over. */
export function jobOf(
  { name, data }: Pick<DueEntry, "name" | "data">,
  now: number,
): Job | undefined {
  const { trigger, ...given } = readStored(data);
  if (hasExpired(trigger, now)) return undefined;
  const { schedule, repeats, failurePolicy } = trigger;
  return { name, schedule, repeats, failurePolicy, ...given };
}
