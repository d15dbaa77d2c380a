import { expect, test } from "vitest";
import { open } from "#components/in-memory/coordination.ts";
import { open as openState } from "#components/in-memory/state-store.ts";
import { forgetReminders } from "#core/blocks/actors/forget-reminders.ts";
import { queueOf } from "#core/blocks/actors/reminder.ts";
import { createMembership } from "#core/ownership/membership.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";

const options = { signal: new AbortController().signal };
const queue = queueOf("", "cart");

async function setUp() {
  const clock = fakeClock();
  const { ownership, dueTimes } = open(clock);
  const membership = createMembership({ ownership, clock, log: keptLog() });
  const state = await openState({ clock } as never);
  const hostBegins = (appId: string, port: StateStore = state): Promise<void> => {
    const metadata = { actorstatestore: "true" };
    const components = [{ kind: "state", name: "s", type: "state.x", port, metadata }] as never;
    const app = { ...fakeApp({ components }), appId, namespace: "" };
    return forgetReminders(app, { membership, dueTimes }, ["cart"], options);
  };
  const names = async (): Promise<readonly string[]> =>
    (await dueTimes.list({ queue }, { ...options, limit: 10 })).map(({ name }) => name);
  const remind = async (name: string): Promise<void> => {
    await dueTimes.put({ queue, owner: "1", name, dueAt: 1, data: "{}" }, true, options);
  };
  return { clock, ownership, state, hostBegins, names, remind };
}

test("reminders of another app, whose hosts and state are gone, are forgotten", async () => {
  const { hostBegins, remind, names } = await setUp();
  await hostBegins("a");
  await remind("of a");
  await hostBegins("b");
  expect(await names()).toEqual([]);
  await remind("of b");
  await hostBegins("b");
  expect(await names()).toEqual(["of b"]);
});
test("they stay while the type has a host", async () => {
  const { hostBegins, remind, names, ownership } = await setUp();
  await hostBegins("a");
  await remind("of a");
  const member = { id: "m", namespace: "", appId: "a", address: "10.0.0.1:1", types: ["cart"] };
  await ownership.join(member, 5000, options);
  await hostBegins("b");
  expect(await names()).toEqual(["of a"]);
});
test("they stay where state outlives the process", async () => {
  const { hostBegins, remind, names, state } = await setUp();
  const durable = { ...state, isVolatile: false };
  await hostBegins("a", durable);
  await remind("of a");
  await hostBegins("b", durable);
  expect(await names()).toEqual(["of a"]);
});
