import { describe, expect, it } from "vitest";
import { createOwnership } from "#components/in-memory/ownership.ts";
import {
  type ActiveActors,
  createActiveActors,
  type LeaveReason,
} from "#core/blocks/actors/active-actors.ts";
import { ActorMovedError } from "#core/blocks/actors/claim-actor.ts";
import { hostedTypes } from "#core/blocks/actors/settings.ts";
import { ActorLeavingError } from "#core/blocks/actors/turn-queue.ts";
import { createMembership, type MemberLease, type Membership } from "#core/ownership/membership.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../../api.ts";

const options = { signal: new AbortController().signal };
const ok: PlainResponse = { status: 200, headers: [] };

interface Host {
  readonly actors: ActiveActors;
  readonly lease: MemberLease;
  readonly membership: Membership;
  readonly deactivated: string[];
  readonly left: Array<readonly [LeaveReason, string | undefined]>;
  answer: () => Promise<PlainResponse>;
}
interface World {
  readonly clock: FakeClock;
  readonly ownership: ReturnType<typeof createOwnership>;
  host(): Promise<Host>;
}

function world(idleMs = 3_600_000, drainMs = 2000): World {
  const clock = fakeClock();
  const ownership = createOwnership(clock);
  const types = hostedTypes({ entities: ["t"], entitiesConfig: [], idleMs, drainMs });
  return {
    clock,
    ownership,
    host: async () => {
      const membership = createMembership({ ownership, clock, log: silent });
      const lease = await membership.join({
        namespace: "shop",
        appId: "a",
        address: "h:1",
        types: ["t"],
      });
      const deactivated: string[] = [];
      const left: Host["left"] = [];
      const host: Host = {
        lease,
        membership,
        deactivated,
        left,
        answer: async () => ok,
        actors: createActiveActors({
          type: "t",
          settings: types.get("t") as never,
          lease,
          membership,
          ownership,
          clock,
          log: silent,
          host: {
            invoke: async () => ok,
            remind: async () => ok,
            tick: async () => ok,
            deactivate: async ({ id }) => {
              deactivated.push(id);
              return host.answer();
            },
          },
          left: (_actor, reason, failure) => void left.push([reason, failure]),
        }),
      };
      return host;
    },
  };
}
const ids = Array.from({ length: 40 }, (_, i) => `id-${i}`);
const ownerOf = async ({ ownership }: World, id: string) =>
  (await ownership.ownerOf({ namespace: "shop", type: "t", id }, options))?.owner.id;

describe("active actors", () => {
  it("are owned since their first turn, each by a claim of its own", async () => {
    const all = world();
    const { actors, lease } = await all.host();
    const fences = await Promise.all(
      ["x", "y", "x"].map((id) => actors.turn(id, async ({ fence }) => fence, options)),
    );
    expect(fences[0]).toBe(fences[2]);
    expect(fences[0]).not.toBe(fences[1]);
    expect(actors.count).toBe(2);
    expect(await ownerOf(all, "x")).toBe(lease.member.id);
    expect(actors.get("x")?.fence).toBe(fences[0]);
    expect(actors.get("z")).toBeUndefined();
  });
  it("are deactivated when they have been idle, and free then", async () => {
    const all = world(10_000);
    const { actors, deactivated, left } = await all.host();
    await actors.turn("x", async () => 1, options);
    await all.clock.advance(6000);
    await actors.turn("y", async () => 1, options);
    await all.clock.advance(3000);
    await actors.turn("x", async () => 1, options);
    await all.clock.advance(7500);
    expect(deactivated).toEqual(["y"]);
    await all.clock.advance(3000);
    expect(deactivated).toEqual(["y", "x"]);
    expect(actors.count).toBe(0);
    expect(await ownerOf(all, "x")).toBeUndefined();
    expect(left).toEqual([
      ["idle", undefined],
      ["idle", undefined],
    ]);
  });
  it("are not idle while a turn runs", async () => {
    const all = world(10_000);
    const { actors, deactivated } = await all.host();
    const { promise, resolve } = Promise.withResolvers<void>();
    const turn = actors.turn("x", () => promise, options);
    await all.clock.advance(25_000);
    expect(deactivated).toEqual([]);
    resolve();
    await turn;
    await all.clock.advance(11_000);
    expect(deactivated).toEqual(["x"]);
  });
  it("go also where the app refuses to let them go", async () => {
    const all = world(1000);
    const host = await all.host();
    host.answer = async () => ({ status: 500, headers: [] });
    await host.actors.turn("x", async () => 1, options);
    await all.clock.advance(1100);
    expect(host.left).toEqual([["idle", "the app responded with 500"]]);
    expect(host.actors.count).toBe(0);
  });
  it("let a call wait that comes while they leave, and start anew for it", async () => {
    const all = world(1000);
    const host = await all.host();
    const { promise, resolve } = Promise.withResolvers<PlainResponse>();
    host.answer = () => promise;
    const first = await host.actors.turn("x", async ({ fence }) => fence, options);
    await all.clock.advance(1100);
    const second = host.actors.turn("x", async ({ fence }) => fence, options);
    await all.clock.advance(0);
    resolve(ok);
    expect(await second).toBeGreaterThan(first);
  });
  it("are there for their last turn and their deactivation, which may write state", async () => {
    const all = world(1000);
    const host = await all.host();
    const { promise, resolve } = Promise.withResolvers<void>();
    const deactivation = Promise.withResolvers<PlainResponse>();
    host.answer = () => deactivation.promise;
    const turn = host.actors.turn("x", () => promise, options);
    await all.clock.advance(0);
    const closed = host.actors.close("ended");
    await all.clock.advance(0);
    expect(host.actors.get("x")).toBeDefined();
    resolve();
    await turn;
    await all.clock.advance(0);
    expect(host.deactivated).toEqual(["x"]);
    expect(host.actors.get("x")).toBeDefined();
    deactivation.resolve(ok);
    await closed;
    expect(host.actors.get("x")).toBeUndefined();
  });
  it("keep a turn that has begun to themselves although its caller gives up", async () => {
    const all = world();
    const { actors } = await all.host();
    const caller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: string[] = [];
    const first = actors.turn(
      "x",
      async (_, { signal }) => {
        await promise;
        seen.push(`first ends, ${signal.aborted ? "cut" : "whole"}`);
      },
      { signal: caller.signal },
    );
    await all.clock.advance(0);
    const second = actors.turn("x", async () => void seen.push("second"), options);
    caller.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    await all.clock.advance(1000);
    expect(seen).toEqual([]);
    resolve();
    await second;
    expect(seen).toEqual(["first ends, whole", "second"]);
  });
  it("are shared out among hosts, and never are two hosts' at once", async () => {
    const all = world();
    const [a, b] = [await all.host(), await all.host()];
    await all.clock.advance(2000);
    const ran = new Map<string, string>();
    for (const id of ids)
      for (const host of [a, b])
        try {
          await host.actors.turn(id, async () => ran.set(id, host.lease.member.id), options);
        } catch (reason) {
          expect(reason).toBeInstanceOf(ActorMovedError);
          const other = host === a ? b : a;
          expect((reason as ActorMovedError).owner.id).toBe(other.lease.member.id);
        }
    expect(ran.size).toBe(ids.length);
    expect(a.actors.count + b.actors.count).toBe(ids.length);
    expect(Math.min(a.actors.count, b.actors.count)).toBeGreaterThan(5);
  });
  it("move to a host that comes, those that are busy after their turn", async () => {
    const all = world();
    const a = await all.host();
    const { promise, resolve } = Promise.withResolvers<void>();
    let wasCut = false;
    const turns = ids.map((id) =>
      a.actors.turn(
        id,
        async (_, { signal }) => {
          if (id !== "id-0" && id !== "id-1") return;
          await promise;
          wasCut ||= signal.aborted;
        },
        options,
      ),
    );
    await all.clock.advance(0);
    const b = await all.host();
    await all.clock.advance(10_000);
    expect(a.deactivated.length).toBeGreaterThan(5);
    for (const id of a.deactivated) expect(await ownerOf(all, id)).not.toBe(a.lease.member.id);
    const stayed = a.actors.count;
    resolve();
    await Promise.all(turns);
    await all.clock.advance(100);
    expect(wasCut).toBe(false);
    for (const id of ids) {
      const at = a.actors.get(id) ? a : b;
      await at.actors.turn(id, async () => {}, options);
    }
    expect(a.actors.count + b.actors.count).toBe(ids.length);
    expect(a.actors.count).toBeLessThanOrEqual(stayed);
  });
  it("leave a few at a time, those that were called last first, and serve calls until they do", async () => {
    const all = world();
    const a = await all.host();
    for (const id of ids) await a.actors.turn(id, async () => {}, options);
    const deactivation = Promise.withResolvers<PlainResponse>();
    a.answer = () => deactivation.promise;
    await all.host();
    await all.clock.advance(2000);
    expect(a.deactivated).toHaveLength(2);
    expect(Number(a.deactivated[0]?.slice(3))).toBeGreaterThan(30);
    const others = ids.filter((id) => !a.deactivated.includes(id));
    for (const id of others) await a.actors.turn(id, async () => {}, options);
    deactivation.resolve(ok);
    await all.clock.advance(0);
    expect(a.deactivated.length).toBeGreaterThan(2);
    expect(a.actors.count).toBe(ids.length - a.deactivated.length);
  });
  it("are another's one by one when their host ends, not all with the last", async () => {
    const all = world();
    const a = await all.host();
    const { promise, resolve } = Promise.withResolvers<void>();
    await a.actors.turn("idle", async () => {}, options);
    const busy = a.actors.turn("busy", () => promise, options);
    await all.clock.advance(0);
    const closed = a.actors.close("ended");
    await all.clock.advance(0);
    expect(await ownerOf(all, "idle")).toBeUndefined();
    expect(await ownerOf(all, "busy")).toBe(a.lease.member.id);
    resolve();
    await busy;
    await closed;
    expect(await ownerOf(all, "busy")).toBeUndefined();
  });
  it("cut their turns when the lease is lost, and are another's then", async () => {
    const all = world();
    const [a, b] = [await all.host(), await all.host()];
    await all.clock.advance(2000);
    const mine = ids.filter((id) => id.length > 0);
    let cut = 0;
    const turns = mine.map((id) =>
      a.actors
        .turn(
          id,
          (_, { signal }) =>
            new Promise<never>((_resolve, reject) =>
              signal.addEventListener("abort", () => {
                cut++;
                reject(signal.reason);
              }),
            ),
          options,
        )
        .catch((reason: unknown) => reason),
    );
    await all.clock.advance(0);
    const count = a.actors.count;
    await all.ownership.leave(a.lease.member.id, options);
    await all.clock.advance(2000);
    expect(cut).toBe(count);
    const reasons = await Promise.all(turns);
    expect(reasons.filter((reason) => reason instanceof ActorLeavingError)).toHaveLength(count);
    for (const id of mine) await b.actors.turn(id, async () => {}, options);
    expect(b.actors.count).toBe(mine.length);
    await expect(a.actors.turn("x", async () => {}, options)).rejects.toThrow(ActorLeavingError);
  });
  it("get the drain time when their host ends, and are cut then", async () => {
    const all = world(3_600_000, 5000);
    const { actors, deactivated } = await all.host();
    const { promise, resolve } = Promise.withResolvers<void>();
    const short = actors.turn("short", () => promise, options);
    const long = actors.turn(
      "long",
      (_, { signal }) =>
        new Promise<never>((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        ),
      options,
    );
    long.catch(() => {});
    await actors.turn("idle", async () => {}, options);
    const closed = actors.close("ended");
    await all.clock.advance(4000);
    expect(deactivated).toEqual(["idle"]);
    resolve();
    await short;
    await all.clock.advance(1500);
    await closed;
    await expect(long).rejects.toThrow(ActorLeavingError);
    expect(deactivated.sort()).toEqual(["idle", "long", "short"]);
  });
  it("keep nothing of what has left", async () => {
    const all = world(1000);
    const { actors } = await all.host();
    for (const id of ids) await actors.turn(id, async () => {}, options);
    await all.clock.advance(2000);
    expect(actors.count).toBe(0);
  });
});
