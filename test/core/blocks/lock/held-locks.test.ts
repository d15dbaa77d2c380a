import { describe, expect, it } from "vitest";
import { createHeldLocks } from "#core/blocks/lock/held-locks.ts";
import type { LockStore } from "#core/ports/lock-store.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

function store(fails = false): { readonly port: LockStore; readonly released: string[] } {
  const released: string[] = [];
  const port: LockStore = {
    acquire: async () => true,
    release: async (resource, owner) => {
      released.push(`${resource} of ${owner}`);
      if (fails) throw new Error("away");
      return "released";
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { port, released };
}

describe("locks that end with their app", () => {
  it("are those that it took and has not given back", async () => {
    const held = createHeldLocks(fakeClock());
    const { port, released } = store();
    held.took({ port, resource: "a", owner: "1" }, 60);
    held.took({ port, resource: "a", owner: "2" }, 60);
    held.took({ port, resource: "b", owner: "1" }, 60);
    held.gaveBack({ port, resource: "a", owner: "1" });
    held.gaveBack({ port, resource: "never", owner: "1" });
    await held.close();
    expect(released.toSorted()).toEqual(["a of 2", "b of 1"]);
    await held.close();
    expect(released).toHaveLength(2);
  });
  it("are told apart by store, and by what their names are made of", async () => {
    const held = createHeldLocks(fakeClock());
    const [one, other] = [store(), store()];
    held.took({ port: one.port, resource: 'a","b', owner: "c" }, 60);
    held.took({ port: one.port, resource: "a", owner: 'b","c' }, 60);
    held.took({ port: other.port, resource: "a", owner: "c" }, 60);
    held.gaveBack({ port: one.port, resource: "a", owner: "c" });
    await held.close();
    expect(one.released).toHaveLength(2);
    expect(other.released).toEqual(["a of c"]);
  });
  it("do not stay for a store that is away, nor keep those of others", async () => {
    const held = createHeldLocks(fakeClock());
    const [away, there] = [store(true), store()];
    held.took({ port: away.port, resource: "a", owner: "1" }, 60);
    held.took({ port: there.port, resource: "a", owner: "1" }, 60);
    await held.close();
    expect(there.released).toEqual(["a of 1"]);
  });
  it("are given up after five seconds where a store does not answer", async () => {
    const clock = fakeClock();
    const held = createHeldLocks(clock);
    const { port } = store();
    const silent: LockStore = {
      ...port,
      release: (_resource, _owner, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    };
    held.took({ port: silent, resource: "a", owner: "1" }, 60);
    let isClosed = false;
    const closing = held.close().then(() => (isClosed = true));
    await clock.advance(4999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await closing;
    expect(clock.sleepers).toBe(0);
  });
  it("are no more than those that have not run out", async () => {
    const clock = fakeClock();
    const held = createHeldLocks(clock);
    const { port, released } = store();
    for (let i = 0; i < 1000; i++) held.took({ port, resource: `r${i}`, owner: "1" }, 1);
    await clock.advance(2000);
    held.took({ port, resource: "last", owner: "1" }, 1);
    await held.close();
    expect(released).toEqual(["last of 1"]);
  });
});
