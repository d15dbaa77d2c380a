import { expect, it } from "vitest";
import { createDueTimes } from "#components/in-memory/due-times.ts";
import { createOwnership } from "#components/in-memory/ownership.ts";
import type { Hosting } from "#core/blocks/actors/app-actors.ts";
import { reminderEntry } from "#core/blocks/actors/reminder.ts";
import { createReminders } from "#core/blocks/actors/reminders.ts";
import { hostedTypes } from "#core/blocks/actors/settings.ts";
import { durableOf } from "#core/blocks/_shared/durable.ts";
import type { App } from "#core/kernel/app.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { fakeServices } from "#test/support/runtime-services.ts";
import { silent } from "../../api.ts";

const options = { signal: new AbortController().signal };

it("keeps a reminder, and its retries, for as long as its actor's host cannot be reached", async () => {
  const clock = fakeClock();
  const ownership = createOwnership(clock);
  const dueTimes = createDueTimes();
  const coordination = { open: async () => ({ ownership, dueTimes }), beforeClose: () => {} };
  const app = {
    namespace: "shop",
    appId: "a",
    telemetry: {},
    limits: { maxBodyBytes: 1024 },
    part: (part: unknown) => (part === appCoordination ? coordination : undefined),
  } as unknown as App;
  let answer = async (): Promise<PlainResponse> => {
    throw new Error("connection refused");
  };
  let sent = 0;
  const send = (): Promise<PlainResponse> => {
    sent++;
    return answer();
  };
  const peers = { at: () => ({ send }) } as never;
  const services = fakeServices({ clock, log: silent, peers });
  const member = { id: "m", namespace: "shop", appId: "a", address: "h:1", types: ["t"] };
  await ownership.join(member, 3_600_000, options);
  const durable = await durableOf(app, services);
  const request = { type: "t", id: "x", name: "r", dueTime: "1s", period: "", ttl: "" };
  const entry = reminderEntry(
    "shop",
    { ...request, data: undefined, overwrite: true },
    clock.now(),
  );
  await durable.engine.put(entry as NonNullable<typeof entry>, true, options);
  const reminders = createReminders(app, services);
  const types = hostedTypes({ entities: ["t"], entitiesConfig: [] });
  reminders.started({ types, durable } as unknown as Hosting);
  for (let second = 0; second < 120; second++) await clock.advance(1000);
  expect(sent).toBeGreaterThan(10);
  expect(await dueTimes.list({ queue: entry?.queue ?? "" }, { ...options, limit: 2 })).toHaveLength(
    1,
  );
  answer = async () => ({ status: 200, headers: [] });
  for (let second = 0; second < 20; second++) await clock.advance(1000);
  expect(await dueTimes.list({ queue: entry?.queue ?? "" }, { ...options, limit: 2 })).toEqual([]);
  await reminders.stopped();
});
