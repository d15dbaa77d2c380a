import { afterAll, beforeAll, expect, test } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { ActorKey, ActorMember, Ownership } from "#core/ports/ownership.ts";
import { eventually } from "#test/support/eventually.ts";

export interface CoordinationSubject {
  /** Opens it once more, as another process would: same database, same group. */
  readonly open: (group?: string) => Promise<Coordination>;
  /** True: each `open` has a memory of its own. */
  readonly isAlone?: boolean;
}
const options = { signal: new AbortController().signal };
const leaseMs = 30_000;

/** What every driver promises of owners, whatever is behind it. */
export function ownershipContract({ open, isAlone = false }: CoordinationSubject): void {
  const opened: Coordination[] = [];
  let here: Ownership;
  let there: Ownership;
  const group = crypto.randomUUID();
  const start = async (name?: string): Promise<Ownership> => {
    const coordination = await open(name);
    opened.push(coordination);
    return coordination.ownership;
  };
  beforeAll(async () => {
    here = await start(group);
    there = isAlone ? here : await start(group);
  });
  afterAll(async () => {
    await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
  });

  const memberOf = (more: Partial<ActorMember> = {}): ActorMember => ({
    id: crypto.randomUUID(),
    namespace: "shop",
    appId: "cart",
    address: "10.0.0.7:50002",
    types: ["counter"],
    ...more,
  });
  const joined = async (ms = leaseMs, more: Partial<ActorMember> = {}): Promise<ActorMember> => {
    const member = memberOf(more);
    await here.join(member, ms, options);
    return member;
  };
  const actor = (more: Partial<ActorKey> = {}): ActorKey => ({
    namespace: "shop",
    type: "counter",
    id: crypto.randomUUID(),
    ...more,
  });

  test("join makes a member that all see, with what it said of itself", async () => {
    const member = await joined(leaseMs, { types: ["a||b", "ünï"], namespace: "" });
    expect(await there.renew([], leaseMs, options)).toContainEqual(member);
  });
  test("join again replaces what is known of the member", async () => {
    const member = await joined();
    await here.join({ ...member, types: [] }, leaseMs, options);
    const all = await there.renew([], leaseMs, options);
    expect(all.filter(({ id }) => id === member.id)).toEqual([{ ...member, types: [] }]);
  });
  test("leave makes it gone, and all that it owned free", async () => {
    const [member, other] = [await joined(), await joined()];
    const key = actor();
    const { fence } = await here.claim(key, member.id, options);
    await here.leave(member.id, options);
    expect((await there.renew([], leaseMs, options)).map(({ id }) => id)).not.toContain(member.id);
    expect(await there.ownerOf(key, options)).toBeUndefined();
    const next = await there.claim(key, other.id, options);
    expect(next.owner).toEqual(other);
    expect(next.fence).toBeGreaterThan(fence);
    await here.leave(crypto.randomUUID(), options);
  });
  test("a lease that is not renewed ends, and cannot be renewed any more", async () => {
    const [member, other] = [await joined(400), await joined()];
    const key = actor();
    const { fence } = await here.claim(key, member.id, options);
    expect((await here.claim(key, other.id, options)).owner.id).toBe(member.id);
    await eventually(async () => (await here.claim(key, other.id, options)).owner.id === other.id);
    expect((await here.ownerOf(key, options))?.fence).toBeGreaterThan(fence);
    const alive = (await here.renew([member.id, other.id], leaseMs, options)).map(({ id }) => id);
    expect(alive).not.toContain(member.id);
    expect(alive).toContain(other.id);
    await expect(here.claim(actor(), member.id, options)).rejects.toSatisfy(
      (reason) => ComponentError.is(reason) && reason.kind === "rejected",
    );
  });
  test("renew prolongs a lease from now on", async () => {
    const member = await joined(1500);
    const alive = async (ms: number): Promise<boolean> =>
      (await there.renew([member.id], ms, options)).some(({ id }) => id === member.id);
    expect(await alive(leaseMs)).toBe(true);
    await new Promise((done) => setTimeout(done, 1700));
    expect(await alive(leaseMs)).toBe(true);
  });
  test("claim has one winner, however many ask at once", async () => {
    const members = await Promise.all(Array.from({ length: 10 }, () => joined()));
    const key = actor();
    const claims = await Promise.all(
      members.map(({ id }, i) => (i % 2 ? here : there).claim(key, id, options)),
    );
    const [first] = claims;
    for (const claim of claims) expect(claim).toEqual(first);
    expect(await there.ownerOf(key, options)).toEqual(first);
  });
  test("claim by the owner keeps its fence, unless it has to be greater", async () => {
    const member = await joined();
    const key = actor();
    const { fence } = await here.claim(key, member.id, options);
    expect(fence).toBeGreaterThan(0);
    expect(Number.isSafeInteger(fence)).toBe(true);
    expect((await here.claim(key, member.id, options)).fence).toBe(fence);
    const above = fence + 1_000_000;
    const raised = await here.claim(key, member.id, { ...options, above });
    expect(raised.fence).toBeGreaterThan(above);
    expect((await there.claim(key, member.id, options)).fence).toBe(raised.fence);
    const other = await joined();
    expect((await here.claim(key, other.id, { ...options, above: above * 2 })).owner.id).toBe(
      member.id,
    );
  });
  test("claim needs a lease", async () => {
    await expect(here.claim(actor(), crypto.randomUUID(), options)).rejects.toSatisfy(
      (reason) => ComponentError.is(reason) && reason.kind === "rejected",
    );
  });
  test("release frees what is still owned by that claim, and nothing else", async () => {
    const [member, other] = [await joined(), await joined()];
    const keys = [actor(), actor()] as const;
    const claims = await Promise.all(
      keys.map(async (key) => ({
        actor: key,
        fence: (await here.claim(key, member.id, options)).fence,
      })),
    );
    await here.release(
      claims.map(({ fence, ...claim }) => ({ ...claim, fence: fence - 1 })),
      options,
    );
    expect((await there.ownerOf(keys[0], options))?.owner.id).toBe(member.id);
    await here.release(claims, options);
    expect(await there.ownerOf(keys[0], options)).toBeUndefined();
    const again = await there.claim(keys[1], other.id, options);
    expect(again.owner.id).toBe(other.id);
    expect(again.fence).toBeGreaterThan(claims[1]?.fence ?? 0);
    await here.release([], options);
  });
  test("fences grow over release, claim by the same member included", async () => {
    const member = await joined();
    const key = actor();
    let last = 0;
    for (let i = 0; i < 5; i++) {
      const { fence } = await here.claim(key, member.id, options);
      expect(fence).toBeGreaterThan(last);
      last = fence;
      await here.release([{ actor: key, fence }], options);
    }
  });
  test("actors do not meet, whatever they are called", async () => {
    const [member, other] = [await joined(), await joined()];
    const names: readonly ActorKey[] = [
      { namespace: "a", type: "b||c", id: "d" },
      { namespace: "a", type: "b", id: "c||d" },
      { namespace: "a||b", type: "c", id: "d" },
      { namespace: "", type: "a", id: "b" },
      { namespace: "a", type: "", id: "b" },
      { namespace: "a", type: "b", id: "" },
      { namespace: "a", type: "b", id: "C" },
      { namespace: "a", type: "b", id: "c" },
      { namespace: "a", type: "b", id: "c " },
      { namespace: "a", type: "b", id: "😀@'\"\\%_\n" },
      { namespace: "a", type: "b", id: "e\u0301" },
      { namespace: "a", type: "b", id: "\u00e9" },
    ];
    for (const [i, key] of names.entries())
      expect((await here.claim(key, (i % 2 ? member : other).id, options)).owner.id).toBe(
        (i % 2 ? member : other).id,
      );
    await here.leave(member.id, options);
    await here.leave(other.id, options);
  });
  test("counts says how many actors of each type living members own", async () => {
    const [one, other, gone] = [await joined(), await joined(), await joined()];
    const idle = await joined();
    const claimed = async ({ id }: ActorMember, more: Partial<ActorKey>): Promise<void> =>
      void (await here.claim(actor(more), id, options));
    await Promise.all(Array.from({ length: 1500 }, () => claimed(one, {})));
    await claimed(one, { type: "a||b ünï" });
    await claimed(one, { type: "a||b ünï", namespace: "" });
    await claimed(other, {});
    await claimed(gone, {});
    await here.leave(gone.id, options);
    const key = actor();
    const { fence } = await here.claim(key, other.id, options);
    await here.release([{ actor: key, fence }], options);
    const ids = new Set([one.id, other.id, gone.id, idle.id]);
    const found = (await there.counts(options)).filter(({ memberId }) => ids.has(memberId));
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        { memberId: one.id, type: "counter", actors: 1500 },
        { memberId: one.id, type: "a||b ünï", actors: 2 },
        { memberId: other.id, type: "counter", actors: 1 },
      ]),
    );
  });
  test("counts leaves out members whose lease has ended", async () => {
    const member = await joined(400);
    await here.claim(actor(), member.id, options);
    const isCounted = async (): Promise<boolean> =>
      (await here.counts(options)).some(({ memberId }) => memberId === member.id);
    expect(await isCounted()).toBe(true);
    await eventually(async () => !(await isCounted()));
  });
  test.skipIf(isAlone)("groups of one database do not see each other", async () => {
    const elsewhere = await start(crypto.randomUUID());
    expect(await elsewhere.counts(options)).toEqual([]);
    const member = await joined();
    const key = actor();
    await here.claim(key, member.id, options);
    expect(await elsewhere.counts(options)).toEqual([]);
    expect(await elsewhere.renew([member.id], leaseMs, options)).toEqual([]);
    expect(await elsewhere.ownerOf(key, options)).toBeUndefined();
    await expect(elsewhere.claim(key, member.id, options)).rejects.toThrow();
  });
  test("calls end with their signal", async () => {
    const signal = AbortSignal.abort(new Error("gone"));
    const member = memberOf();
    await expect(here.join(member, leaseMs, { signal })).rejects.toThrow();
    await expect(here.claim(actor(), member.id, { signal })).rejects.toThrow();
    await expect(here.renew([], leaseMs, { signal })).rejects.toThrow();
  });
}
