import { describe, expect, it } from "vitest";
import { createOwnership } from "#components/in-memory/ownership.ts";
import { createMembership, type Membership } from "#core/ownership/membership.ts";
import type { Ownership } from "#core/ports/ownership.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../api.ts";

const replica = { namespace: "shop", appId: "cart", address: "h:1", types: ["counter"] };
const options = { signal: new AbortController().signal };

function world() {
  const clock = fakeClock();
  const ownership = createOwnership(clock);
  let isDown = false;
  let renewals = 0;
  const reach: Ownership = {
    ...ownership,
    renew: (...args) => {
      renewals++;
      return isDown ? Promise.reject(new Error("down")) : ownership.renew(...args);
    },
  };
  return {
    clock,
    ownership,
    membership: (): Membership => createMembership({ ownership: reach, clock, log: silent }),
    down: (value: boolean) => {
      isDown = value;
    },
    renewals: () => renewals,
  };
}

describe("membership", () => {
  it("does nothing while nobody has joined or asks", async () => {
    const { clock, membership, renewals } = world();
    membership();
    await clock.advance(60_000);
    expect(renewals()).toBe(0);
    expect(clock.sleepers).toBe(0);
  });
  it("keeps the lease of who has joined, and shows others who they are", async () => {
    const { clock, membership } = world();
    const [here, there] = [membership(), membership()];
    const lease = await here.join(replica);
    there.touch();
    await clock.advance(20_000);
    expect(lease.isHeld()).toBe(true);
    expect(there.hostsOf("shop", "counter")).toEqual([lease.member]);
    expect(there.hostsOf("other", "counter")).toEqual([]);
    expect(there.hostsOf("shop", "none")).toEqual([]);
  });
  it("sees a member go at once that leaves in order", async () => {
    const { clock, membership } = world();
    const [here, there] = [membership(), membership()];
    const lease = await here.join(replica);
    await there.refresh(options);
    await lease.leave();
    expect(lease.lost.aborted).toBe(true);
    expect(here.hostsOf("shop", "counter")).toEqual([]);
    await there.refresh(options);
    expect(there.hostsOf("shop", "counter")).toEqual([]);
    await clock.advance(60_000);
    expect(clock.sleepers).toBe(0);
  });
  it("takes a lease for lost before another can have it, where the store cannot be reached", async () => {
    const { clock, membership, ownership, down } = world();
    const lease = await membership().join(replica);
    down(true);
    await clock.advance(4400);
    expect(lease.isHeld()).toBe(true);
    await clock.advance(200);
    expect(lease.isHeld()).toBe(false);
    expect(lease.lost.aborted).toBe(true);
    expect((await ownership.renew([], 5000, options)).map(({ id }) => id)).toEqual([
      lease.member.id,
    ]);
  });
  it("survives an outage that is shorter than the lease", async () => {
    const { clock, membership, down } = world();
    const lease = await membership().join(replica);
    await clock.advance(1700);
    down(true);
    await clock.advance(3000);
    down(false);
    await clock.advance(10_000);
    expect(lease.isHeld()).toBe(true);
  });
  it("loses a lease that the store has given up", async () => {
    const { clock, membership, ownership } = world();
    const lease = await membership().join(replica);
    await ownership.leave(lease.member.id, options);
    await clock.advance(2000);
    expect(lease.lost.aborted).toBe(true);
  });
  it("tells of changes, and of nothing else", async () => {
    const { clock, membership } = world();
    const [here, there] = [membership(), membership()];
    let changes = 0;
    await here.join(replica);
    here.onChange(() => changes++);
    await clock.advance(20_000);
    expect(changes).toBe(0);
    const lease = await there.join(replica);
    await clock.advance(2000);
    expect(changes).toBe(1);
    await lease.host(["counter", "cart"]);
    await clock.advance(2000);
    expect(changes).toBe(2);
    expect(here.hostsOf("shop", "cart")).toHaveLength(1);
  });
});
