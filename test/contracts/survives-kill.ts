import { expect } from "vitest";
import type { Coordination } from "#core/ports/coordination.ts";
import type { DueEntry } from "#core/ports/due-times.ts";
import type { ActorMember } from "#core/ports/ownership.ts";
import { eventually } from "#test/support/eventually.ts";

const options = { signal: new AbortController().signal };
const leaseMs = 300_000;
const claimOptions = { ...options, now: 2000, limit: 100_000, holdMs: 5000 };
const actor = { namespace: "shop", type: "counter", id: "1" };
const member: ActorMember = {
  id: "m",
  namespace: "shop",
  appId: "cart",
  address: "10.0.0.7:50002",
  types: ["counter"],
};
const entryOf = (name: string): DueEntry => ({
  queue: "q",
  owner: "",
  name,
  dueAt: 1000,
  data: "{}",
});

/** What was acknowledged is there after a server was killed and started again; until then, it is unavailable. */
export async function survivesKill(
  { dueTimes, ownership }: Coordination,
  server: { kill(): Promise<void>; start(): Promise<void> },
): Promise<void> {
  await ownership.join(member, leaseMs, options);
  const claim = await ownership.claim(actor, member.id, options);
  const put: string[] = [];
  let isKilled = false;
  const writing = Promise.all(
    Array.from({ length: 20 }, async (_, caller) => {
      for (let i = 0; ; i++) {
        try {
          await dueTimes.put(entryOf(`${caller}-${i}`), caller % 2 === 0, options);
          put.push(`${caller}-${i}`);
        } catch (failure) {
          if (!isKilled) throw failure;
          return failure;
        }
      }
    }),
  );
  await eventually(() => put.length > 200, { withinMs: 20_000 });
  isKilled = true;
  await server.kill();
  for (const failure of await writing) expect(failure).toMatchObject({ kind: "unavailable" });
  for (const call of [
    () => ownership.renew([member.id], leaseMs, options),
    () => ownership.claim({ ...actor, id: "2" }, member.id, options),
    () => dueTimes.claim(["q"], claimOptions),
    () => dueTimes.get(entryOf("x"), options),
  ])
    await expect(call()).rejects.toMatchObject({ kind: "unavailable" });
  await server.start();
  const renewed = (): Promise<boolean> =>
    ownership.renew([member.id], leaseMs, options).then((all) => all.length === 1);
  await eventually(renewed, { withinMs: 30_000 });
  expect(await ownership.ownerOf(actor, options)).toEqual(claim);
  const { entries } = await dueTimes.claim(["q"], claimOptions);
  const names = new Set(entries.map(({ name }) => name));
  expect(put.filter((name) => !names.has(name))).toEqual([]);
}
