import { describe, expect, it } from "vitest";
import { createDueTimes } from "#components/in-memory/due-times.ts";
import { jobKey, jobOf, readStored, writeStored } from "#core/blocks/jobs/job.ts";
import { runNow } from "#core/blocks/jobs/run-now.ts";
import { planTrigger, type TriggerRequest } from "#core/due-times/trigger.ts";
import type { DueTimes } from "#core/ports/due-times.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const options = { signal: new AbortController().signal };
const app = { appId: "shop", namespace: "" };
const clock = fakeClock();
const key = jobKey(app, "j");

async function storeWith(request: TriggerRequest): Promise<DueTimes> {
  const store = createDueTimes();
  const trigger = planTrigger(request, clock.now());
  const data = writeStored({ data: { json: "1" }, trigger });
  await store.put({ ...key, dueAt: trigger.tick, data }, true, options);
  return store;
}
const run = (store: Pick<DueTimes, "get" | "reschedule">) =>
  runNow(store, app, "j", clock, options);
const claim = (store: DueTimes) =>
  store.claim([key.queue], { ...options, now: clock.now(), limit: 1, holdMs: 5000 });

describe("running a job now", () => {
  it("makes it due, with all that it had", async () => {
    const store = await storeWith({ schedule: "@every 1h", repeats: 5 });
    const before = await store.get(key, options);
    expect(await run(store)).toBe("due");
    const after = await store.get(key, options);
    expect(after?.dueAt).toBe(clock.now());
    const { trigger, ...rest } = readStored(after?.data ?? "");
    const former = readStored(before?.data ?? "");
    expect({ ...rest, trigger: { ...trigger, isExtra: undefined } }).toEqual(former);
    expect(after && jobOf(after, clock.now())).toMatchObject({ schedule: "@every 1h", repeats: 5 });
  });
  it("changes nothing of one that somebody holds", async () => {
    const store = await storeWith({ dueTime: "0s" });
    const [held] = (await claim(store)).entries;
    expect(await run(store)).toBe("held");
    expect(held && (await store.complete([{ entry: held }], options))).toEqual([true]);
    expect(await run(store)).toBe("absent");
  });
  it("of one that is due, and nobody has taken, leaves it as it is", async () => {
    const store = await storeWith({ dueTime: "-1h" });
    const before = await store.get(key, options);
    expect(await run(store)).toBe("due");
    expect(await store.get(key, options)).toEqual(before);
  });
  it("knows no job whose time to live is over", async () => {
    expect(await run(await storeWith({ schedule: "@every 1h", ttl: "1m" }))).toBe("absent");
    expect(await run(createDueTimes())).toBe("absent");
  });
  it("undoes nothing that others do between reading and writing", async () => {
    const store = await storeWith({ schedule: "@every 1h" });
    const other = await storeWith({ schedule: "@every 2h" });
    const changed = await other.get(key, options);
    let reads = 0;
    const racing = {
      reschedule: store.reschedule,
      get: async (...call: Parameters<DueTimes["get"]>) => {
        const entry = await store.get(...call);
        if (++reads === 1 && changed) await store.put(changed, true, options);
        return entry;
      },
    };
    expect(await run(racing)).toBe("due");
    const now = await store.get(key, options);
    expect(now && jobOf(now, clock.now())?.schedule).toBe("@every 2h");
    const gone = {
      reschedule: store.reschedule,
      get: async (...call: Parameters<DueTimes["get"]>) => {
        const entry = await store.get(...call);
        await store.delete(key, options);
        return entry;
      },
    };
    expect(await run(gone)).toBe("absent");
    expect(await store.get(key, options)).toBeUndefined();
  });
  it("gives up on one that never stands still", async () => {
    const store = await storeWith({ schedule: "@every 1h" });
    let n = 0;
    const restless = {
      reschedule: async () => false,
      get: async (...call: Parameters<DueTimes["get"]>) => {
        const entry = await store.get(...call);
        return entry && { ...entry, dueAt: n++ };
      },
    };
    expect(await run(restless)).toBe("held");
  });
});
