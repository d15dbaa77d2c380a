import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { Ack, Deliver, TopicSubscription } from "#core/ports/pub-sub.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { orAborted } from "#core/util/time-limit.ts";
import type { Held, Subscribing } from "./broker-rows.ts";
import { touchMs } from "./broker-room.ts";
import type { GroupCommit } from "./group-commit.ts";

export interface ConsumerOptions {
  readonly rows: Subscribing;
  readonly commits: GroupCommit;
  /** Of this process. */
  readonly holder: string;
  readonly subscription: TopicSubscription;
  readonly deliver: Deliver;
  readonly stopping: AbortSignal;
  /** The broker itself ends. */
  readonly closing: AbortSignal;
  readonly concurrency: number;
  readonly redeliverMs: number;
  readonly backlogMs: number;
  readonly clock: Clock;
  readonly log: Log;
}
/** A subscription that runs. */
export interface Consumer {
  /** Something may be there for it. */
  wake(): void;
  /** Resolves once nothing of it is left, after the signal has fired. */
  readonly ended: Promise<void>;
}

/** So long a message belongs to a process that has taken it and says nothing more: then the process counts as dead. */
const heldMs = 20_000;
const renewMs = 5000;
/** Once the broker ends, deliveries under way may still end so long. */
const graceMs = 5000;
const pauses: Pauses = { firstMs: 100, longestMs: 5000 };

/** Resolves once messages flow. */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { rows, commits, subscription, clock, backlogMs, stopping } = options;
  let id = 0;
  const join = (): void => {
    const now = clock.now();
    id = rows.join(subscription.topic, subscription.consumerId, now, now - backlogMs);
  };
  await commits.submit(join, { signal: stopping });
  return new Running(options, () => id, join);
}

class Running implements Consumer {
  readonly ended: Promise<void>;
  readonly #options: ConsumerOptions;
  readonly #consumer: () => number;
  readonly #join: () => void;
  readonly #held = new Set<number>();
  /** Fires when even the grace is over. */
  readonly #over = new AbortController();
  readonly #idle = new Set<() => void>();

  constructor(options: ConsumerOptions, consumer: () => number, join: () => void) {
    this.#options = options;
    this.#consumer = consumer;
    this.#join = join;
    this.ended = this.#run();
  }

  wake(): void {
    for (const resume of this.#idle) resume();
  }

  async #run(): Promise<void> {
    const { concurrency, stopping, closing, clock } = this.#options;
    const workers = Array.from({ length: concurrency }, () => this.#work());
    const done = new AbortController();
    const staying = this.#stay(done.signal);
    const close = (): void => {
      clock.sleep(graceMs, { signal: done.signal }).then(
        () => this.#over.abort(new Error(`the delivery took longer than ${graceMs} ms`)),
        () => {},
      );
    };
    whenever(stopping, () => this.wake());
    // A subscription that ends while its broker goes on is followed by another: an answer that comes late counts.
    whenever(closing, close);
    await Promise.all(workers);
    closing.removeEventListener("abort", close);
    done.abort();
    await staying;
  }

  async #work(): Promise<void> {
    const { stopping, log, subscription } = this.#options;
    const backoff = createBackoff(pauses);
    while (!stopping.aborted) {
      try {
        const due = this.#options.rows.dueAt(this.#consumer());
        // Looking and waiting are one step, or what is published in between would not be seen.
        if (due === undefined || due > this.#options.clock.now()) await this.#wait(due);
        else
          for (let batch = await this.#claim(); batch.length > 0;)
            batch = await this.#deliver(batch);
        backoff.reset();
      } catch (reason) {
        if (stopping.aborted) return;
        log.warn(`Cannot read from topic ${subscription.topic}: ${messageOf(reason)}`, {
          topic: subscription.topic,
        });
        await this.#sleep(backoff.next());
      }
    }
  }

  /** Nothing, where others were quicker. */
  async #claim(): Promise<readonly Held[]> {
    const { commits, stopping } = this.#options;
    let batch: readonly Held[] = [];
    await commits.submit(
      () => {
        batch = this.#take();
      },
      { signal: stopping },
    );
    return this.#keep(batch);
  }
  #take(): readonly Held[] {
    const { rows, holder, clock, subscription } = this.#options;
    const now = clock.now();
    const most = Math.max(1, subscription.bulk?.maxMessagesCount ?? 1);
    return rows.claim(this.#consumer(), holder, now, now + heldMs, most);
  }
  #keep(batch: readonly Held[]): readonly Held[] {
    for (const { id } of batch) this.#held.add(id);
    return batch;
  }

  /** Delivers, acknowledges and, in the same transaction, takes what is next. */
  async #deliver(batch: readonly Held[]): Promise<readonly Held[]> {
    const { commits, stopping, log, subscription } = this.#options;
    const acks = stopping.aborted ? undefined : await this.#acksOf(batch);
    let next: readonly Held[] = [];
    try {
      await commits.submit(
        () => {
          this.#settle(batch, acks);
          next = stopping.aborted ? [] : this.#take();
        },
        { signal: neverFires },
      );
    } catch (reason) {
      next = [];
      log.warn(`Cannot acknowledge messages, they will be delivered again: ${messageOf(reason)}`, {
        topic: subscription.topic,
      });
    }
    for (const { id } of batch) this.#held.delete(id);
    return this.#keep(next);
  }
  async #acksOf(batch: readonly Held[]): Promise<readonly Ack[]> {
    const { deliver, log, subscription } = this.#options;
    const messages = batch.map(({ message }) => message);
    const { signal } = this.#over;
    try {
      // A delivery that does not heed its signal must not keep the broker open.
      return await orAborted(deliver(messages, { signal }), { signal });
    } catch (reason) {
      if (signal.aborted) return [];
      log.error(`Delivery from topic ${subscription.topic} failed: ${messageOf(reason)}`, {
        topic: subscription.topic,
      });
      return [];
    }
  }
  #settle(batch: readonly Held[], acks: readonly Ack[] | undefined): void {
    const { rows, holder, clock, redeliverMs } = this.#options;
    const consumer = this.#consumer();
    const isCutOff = acks === undefined || this.#over.signal.aborted;
    batch.forEach(({ id }, i) => {
      const isRetry = (acks?.[i] ?? "retry") === "retry";
      // What was cut off is for the next subscriber, and now.
      if (isRetry && isCutOff) rows.putBack(consumer, id, holder, 0);
      else if (isRetry && redeliverMs > 0)
        rows.putBack(consumer, id, holder, clock.now() + redeliverMs);
      else rows.remove(consumer, id);
    });
  }

  /** Until something new is there, or something is due. */
  async #wait(due: number | undefined): Promise<void> {
    const { clock, stopping } = this.#options;
    if (stopping.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.add(resolve);
    const cancel =
      due === undefined ? undefined : clock.after(Math.max(1, due - clock.now()), resolve);
    await promise;
    cancel?.();
    this.#idle.delete(resolve);
  }

  /** Keeps what is being delivered until that is done, and says that the consumer is there. */
  async #stay(done: AbortSignal): Promise<void> {
    const { rows, commits, holder, clock, stopping, log, subscription } = this.#options;
    let touched = clock.now();
    const ended = AbortSignal.any([done, this.#over.signal]);
    while (!ended.aborted) {
      await clock.sleep(renewMs, { signal: ended }).catch(() => {});
      const now = clock.now();
      const isQuiet = stopping.aborted || now - touched < touchMs;
      if (ended.aborted || (isQuiet && this.#held.size === 0)) continue;
      try {
        await commits.submit(
          () => {
            for (const id of this.#held) rows.renew(this.#consumer(), id, holder, now + heldMs);
            if (!isQuiet && !rows.touch(this.#consumer(), now)) this.#join();
          },
          { signal: ended },
        );
        if (!isQuiet) touched = now;
      } catch (reason) {
        if (!ended.aborted)
          log.warn(`Cannot renew the hold on messages: ${messageOf(reason)}`, {
            topic: subscription.topic,
          });
      }
    }
  }
  async #sleep(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, { signal: this.#options.stopping }).catch(() => {});
  }
}

function whenever(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener("abort", then, { once: true });
}

const neverFires: AbortSignal = new AbortController().signal;
