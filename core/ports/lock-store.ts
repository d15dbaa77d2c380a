import type { CallOptions, Component } from "./component.ts";

/** Locks that expire by themselves. */
export interface LockStore extends Component {
  /** True once the owner has the lock; false while anybody has it, the same owner included. */
  acquire(
    resource: string,
    owner: string,
    ttlSeconds: number,
    options: CallOptions,
  ): Promise<boolean>;
  /** Gives the lock back, if it is the owner's. */
  release(resource: string, owner: string, options: CallOptions): Promise<LockRelease>;
}
export type LockRelease = "released" | "absent" | "not-owner";
