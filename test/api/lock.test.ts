import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";

const store = "locks";
const fresh = (): string => `resource-${crypto.randomUUID()}`;

describeCell(
  "lock",
  (cell) => {
    const tryLock = (resourceId: string, lockOwner: string, expiryInSeconds = 60) =>
      cell().api.tryLock(store, { resourceId, lockOwner, expiryInSeconds });
    const unlock = (resourceId: string, lockOwner: string) =>
      cell().api.unlock(store, { resourceId, lockOwner });

    test("lock.try gives a lock to the first who asks, and to nobody else", async () => {
      const [resource, other] = [fresh(), fresh()];
      expect(await tryLock(resource, "alice")).toBe(true);
      expect(await tryLock(resource, "bob")).toBe(false);
      expect(await tryLock(resource, "alice")).toBe(false);
      expect(await tryLock(other, "bob")).toBe(true);
    });
    test("lock.unlock lets the next one in", async () => {
      const resource = fresh();
      await tryLock(resource, "alice");
      expect(await unlock(resource, "alice")).toBe("SUCCESS");
      expect(await tryLock(resource, "bob")).toBe(true);
    });
    test("lock.unlock leaves a lock that belongs to others", async () => {
      const resource = fresh();
      await tryLock(resource, "alice");
      expect(await unlock(resource, "bob")).toBe("LOCK_BELONGS_TO_OTHERS");
      expect(await tryLock(resource, "bob")).toBe(false);
    });
    test("lock.unlock says that there is no lock", async () => {
      expect(await unlock(fresh(), "alice")).toBe("LOCK_DOES_NOT_EXIST");
    });
    test("lock.try gives a lock to another once its time is over", async () => {
      const resource = fresh();
      expect(await tryLock(resource, "alice", 1)).toBe(true);
      await eventually(() => tryLock(resource, "bob"), { what: "the lock to expire" });
      expect(await unlock(resource, "alice")).toBe("LOCK_BELONGS_TO_OTHERS");
    });
    test("lock.try and lock.unlock refuse what has no resource or no owner", async () => {
      const noResource = refusal("LOCK_MALFORMED", "ResourceId is empty in lock store locks");
      const noOwner = refusal("LOCK_MALFORMED", "LockOwner is empty in lock store locks");
      await expect(tryLock("", "alice")).rejects.toMatchObject(noResource);
      await expect(unlock("", "alice")).rejects.toMatchObject(noResource);
      await expect(tryLock(fresh(), "")).rejects.toMatchObject(noOwner);
      await expect(unlock(fresh(), "")).rejects.toMatchObject(noOwner);
    });
    test("lock.try refuses a time that is not positive", async () => {
      await expect(tryLock(fresh(), "alice", 0)).rejects.toMatchObject(
        refusal("LOCK_MALFORMED", "ExpiryInSeconds is not positive in lock store locks"),
      );
    });
    test("lock.try and lock.unlock refuse a store that is not there", async () => {
      const refused = refusal("LOCK_STORE_NOT_FOUND", "lock store nope not found");
      const request = { resourceId: fresh(), lockOwner: "alice" };
      await expect(
        cell().api.tryLock("nope", { ...request, expiryInSeconds: 1 }),
      ).rejects.toMatchObject(refused);
      await expect(cell().api.unlock("nope", request)).rejects.toMatchObject(refused);
    });
  },
  { redis: true },
);
