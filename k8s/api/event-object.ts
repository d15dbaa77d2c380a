import { randomBytes } from "node:crypto";
import { resourcePath } from "./resource-path.ts";
import { timestamp } from "./timestamp.ts";

/** The object that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent: of the cluster; its Events are in `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
}
/** What an Event says; the same again counts one Event up. */
export interface EventContent {
  readonly about: EventSubject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
}
/** Who reports it. */
export interface EventReporter {
  /** `outrigger-node`. */
  readonly component: string;
  /** Which of them: name of the node or pod. */
  readonly instance: string;
}

export function eventPath({ namespace = "default" }: EventSubject, name?: string): string {
  return resourcePath({ apiVersion: "v1", plural: "events" }, { namespace, name });
}

export function nameOf({ name }: EventSubject): string {
  // A DNS subdomain, as the names of most objects are; those of roles may hold more.
  const base = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-")
    .slice(0, 230);
  return `${base}.${randomBytes(8).toString("hex")}`;
}

export function eventOf(
  content: EventContent,
  name: string,
  { component, instance }: EventReporter,
): object {
  const { about, type, reason, message, count } = content;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: about.namespace ?? "default" },
    involvedObject: about,
    type,
    reason,
    message,
    count,
    firstTimestamp: timestamp(content.first),
    lastTimestamp: timestamp(content.last),
    source: { component, host: instance },
    reportingComponent: component,
    reportingInstance: instance.slice(0, 128),
  };
}

/** The change that counts up one that was written before. */
export function repetitionOf({ count, last, message }: EventContent): object {
  return { count, lastTimestamp: timestamp(last), message };
}
