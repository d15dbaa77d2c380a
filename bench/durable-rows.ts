import { pathOf, type Row } from "./rows.ts";

/** Where the app behind the runtimes hosts actors of this type. */
export const actorType = "bench";
const actors = 1000;
const value = { orderId: 1, total: 12.5 };
/** Nothing that is registered comes due while the bench runs. */
const far = JSON.stringify({ dueTime: "1h", data: value, overwrite: true });

const actor = (name: string, more: Pick<Row, "path" | "body" | "status" | "floor">): Row => ({
  name,
  method: "POST",
  spread: actors,
  redis: true,
  ...more,
});
const call = {
  path: `/v1.0/actors/${actorType}/{n}/method/hello`,
  body: JSON.stringify(value),
  status: 200,
  floor: "proxy",
} as const;

/** Actors, reminders and jobs, kept in Redis. */
export const durableRows: readonly Row[] = [
  actor("actor.call", call),
  actor("actor.state.save", {
    path: `/v1.0/actors/${actorType}/{n}/state`,
    body: JSON.stringify([{ operation: "upsert", request: { key: "order", value } }]),
    status: 204,
    floor: "http",
  }),
  {
    ...actor("reminder.register", {
      path: `/v1.0/actors/${actorType}/{n}/reminders/far`,
      body: far,
      status: 204,
      floor: "http",
    }),
    spread: 100_000,
  },
  {
    ...actor("job.schedule", {
      path: "/v1.0/jobs/far-{n}",
      body: far,
      status: 204,
      floor: "http",
    }),
    spread: 100_000,
  },
];
/** The same call through a runtime that hosts no actors. */
export const remoteCall: Row = actor("actor.call.remote", call);
export const fireRows = ["reminder.fire", "job.fire"] as const;
export type FireRow = (typeof fireRows)[number];

/** Registers something that fires once, at that time. */
export function dueAt(row: FireRow, at: Date, n: number): { path: string; body: string } {
  const path =
    row === "job.fire"
      ? "/v1.0/jobs/due-{n}"
      : `/v1.0/actors/${actorType}/${n % actors}/reminders/due-{n}`;
  const due = { dueTime: at.toISOString(), data: value, overwrite: true };
  return {
    path: pathOf({ path, spread: Infinity } as Row, n),
    body: JSON.stringify(due),
  };
}

/** Calls every actor once, so that all of them are active. */
export async function activateActors(base: string, post: Post): Promise<void> {
  for (let n = 0; n < actors; n++) await post(base, pathOf(remoteCall, n), call.body);
}
export type Post = (base: string, path: string, body: string) => Promise<void>;
