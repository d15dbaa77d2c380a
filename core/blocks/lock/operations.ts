import { heldLocks } from "./held-locks.ts";
import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Loaded } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { LockRelease } from "#core/ports/lock-store.ts";
import { lockError } from "./errors.ts";
import { storedResource } from "./resource.ts";
import { lockFacts } from "./facts.ts";

export interface Unlock {
  readonly store: string;
  readonly resource: string;
  readonly owner: string;
}
export interface TryLock extends Unlock {
  readonly expirySeconds: number;
}

/** True when the lock is the owner's now. */
export const tryLock: Operation<TryLock, boolean> = defineOperation(
  "lock.try",
  lockFacts("TryLock", "lock"),
  async (call, request) => {
    const { store, resource, owner, expirySeconds } = request;
    // Dapr: looks at this even before it looks whether there is any store.
    if (expirySeconds <= 0)
      throw lockError(
        "ERR_MALFORMED_REQUEST",
        `ExpiryInSeconds is not positive in lock store ${store}`,
      );
    const loaded = storeOf(call, request);
    try {
      const stored = storedResource(loaded, call.app, resource);
      const isTaken = await loaded.port.acquire(stored, owner, expirySeconds, call);
      if (isTaken)
        call.app
          .part(heldLocks)
          .took({ port: loaded.port, resource: stored, owner }, expirySeconds);
      return isTaken;
    } catch (reason) {
      throw lockError("ERR_TRY_LOCK", `failed to try acquiring lock: ${messageOf(reason)}`, {
        cause: reason,
      });
    }
  },
);

export const unlock: Operation<Unlock, LockRelease> = defineOperation(
  "lock.unlock",
  lockFacts("Unlock", "unlock"),
  async (call, request) => {
    const loaded = storeOf(call, request);
    try {
      const stored = storedResource(loaded, call.app, request.resource);
      const lock = { port: loaded.port, resource: stored, owner: request.owner };
      const release = await loaded.port.release(stored, request.owner, call);
      call.app.part(heldLocks).gaveBack(lock);
      return release;
    } catch (reason) {
      throw lockError("ERR_UNLOCK", `failed to release lock: ${messageOf(reason)}`, {
        cause: reason,
      });
    }
  },
);

/** The numbers of `UnlockResponse.Status`; its 3, an internal error, goes out as an error. */
export const unlockStatus: Readonly<Record<LockRelease, number>> = {
  released: 0,
  absent: 1,
  "not-owner": 2,
};

function storeOf({ app }: Call, { store, resource, owner }: Unlock): Loaded<"lock"> {
  const failure = whyNotStarted(app, "lock", store);
  if (!app.components.has("lock"))
    throw lockError("ERR_LOCK_STORE_NOT_CONFIGURED", failure ?? "lock store is not configured");
  if (resource === "")
    throw lockError("ERR_MALFORMED_REQUEST", `ResourceId is empty in lock store ${store}`);
  if (owner === "")
    throw lockError("ERR_MALFORMED_REQUEST", `LockOwner is empty in lock store ${store}`);
  const found = app.component("lock", store);
  if (found) return found;
  throw lockError("ERR_LOCK_STORE_NOT_FOUND", failure ?? `lock store ${store} not found`);
}
