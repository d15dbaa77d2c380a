import type { DatabaseSync } from "node:sqlite";
import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { failureOf, isBusy } from "./failure.ts";
import { turn } from "./turn.ts";
import { untilFree } from "./until-free.ts";

interface Write {
  /** Runs inside the transaction. What it throws is its own result and touches no other write. */
  readonly run: () => void;
  readonly weight: number;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** So many rows at most are written in one transaction that several share: the event loop stands still while it runs. */
export const largestGroup = 512;

/** Writes that are queued in one turn of the event loop share one transaction, so they share one wait for the disk. */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #waitMs: number;
  #queue: Write[] = [];
  #flushing: Promise<void> | undefined;

  constructor(db: DatabaseSync, clock: Clock, waitMs: number) {
    this.#db = db;
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Resolves once the write is on disk. `weight` is how many rows it writes, about. */
  submit(run: () => void, { signal }: CallOptions, weight = 1): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ run, weight, signal, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Resolves once nothing is queued any more. */
  async drained(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  async #flush(): Promise<void> {
    await turn();
    while (this.#queue.length > 0) {
      await this.#commit(this.#queue.splice(0, this.#groupSize()));
      if (this.#queue.length > 0) await turn();
    }
    this.#flushing = undefined;
  }

  /** How many of the first in the queue go together; one at least. */
  #groupSize(): number {
    let [size, rows] = [0, 0];
    for (const { weight } of this.#queue) {
      rows += weight;
      if (size > 0 && rows > largestGroup) break;
      size++;
    }
    return size;
  }

  async #commit(group: readonly Write[]): Promise<void> {
    const never = { signal: neverFires };
    try {
      await untilFree(() => this.#transaction(group), this.#waitMs, this.#clock, never);
    } catch (reason) {
      // One write can break the whole transaction (a full disk, a value too big): then each gets its own.
      if (group.length > 1 && !isBusy(reason))
        for (const write of group) await this.#commit([write]);
      else for (const write of group) write.reject(failureOf(reason));
    }
  }

  #transaction(group: readonly Write[]): void {
    const db = this.#db;
    db.exec("BEGIN IMMEDIATE");
    const failures = new Map<Write, unknown>();
    try {
      for (const write of group) {
        try {
          write.signal.throwIfAborted();
          write.run();
        } catch (reason) {
          if (isBusy(reason) || !db.isTransaction) throw reason;
          failures.set(write, reason);
        }
      }
      db.exec("COMMIT");
    } catch (reason) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw reason;
    }
    for (const write of group) {
      if (failures.has(write)) write.reject(failureOf(failures.get(write)));
      else write.resolve();
    }
  }
}

const neverFires: AbortSignal = new AbortController().signal;

/** The refusal of a store that is no longer open. */
export function closedError(what = "the store"): ComponentError {
  return new ComponentError("unavailable", `${what} is closed`);
}
