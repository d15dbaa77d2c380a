import type { CallOptions, Component } from "./component.ts";

/**
 * Locks that expire (`lock.*` components); see `TryLockAlpha1` and `UnlockAlpha1` in Dapr's API.
 */
export interface LockStore extends Component {
  /**
   * Tries to acquire a lock once, without waiting. Resolves with true if the owner now holds the
   * lock, and with false if anyone holds it already, including the same owner.
   *
   * @param ttlSeconds How long the lock is held unless it is released, in seconds.
   * @throws {Error} if the store cannot be reached.
   */
  acquire(
    resource: string,
    owner: string,
    ttlSeconds: number,
    options: CallOptions,
  ): Promise<boolean>;
  /**
   * Releases the lock if the owner holds it.
   *
   * @throws {Error} if the store cannot be reached.
   */
  release(resource: string, owner: string, options: CallOptions): Promise<LockRelease>;
}
/** The lock was released, does not exist, or is held by another owner. */
export type LockRelease = "released" | "absent" | "not-owner";
