import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { Ack, Deliver, TopicSubscription } from "#core/ports/pub-sub.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import type { RedisConnection } from "./connection.ts";
import { createDeliveries, type Deliveries, type Delivery } from "./deliveries.ts";
import { type Entry, openStream, startsWith, type Stream } from "./stream.ts";

export interface ConsumerOptions {
  readonly connection: RedisConnection;
  /** A connection of its own: a read that waits holds up all behind it. */
  readonly reader: RedisConnection;
  readonly unblock: boolean;
  readonly blockMs: number;
  readonly subscription: TopicSubscription;
  readonly deliver: Deliver;
  readonly stopping: AbortSignal;
  /** Fires when the component closes. Until then an answer of the app is acknowledged, however late. */
  readonly closing: AbortSignal;
  readonly processingTimeoutMs: number;
  readonly redeliverMs: number;
  readonly queueDepth: number;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
}
/** So long reads may take to end after the stop, and deliveries after the component has closed. */
const graceMs = 5000;
/** Calls of the app that are late, for each worker. */
const mostLate = 10;
const unblockPauseMs = 50;
const pauses: Pauses = { firstMs: 100, longestMs: 5000 };

/** Resolves once messages flow; `ended` once nothing of it is left, after the signal has fired. */
export async function startConsumer(
  options: ConsumerOptions,
): Promise<{ readonly ended: Promise<void> }> {
  const { topic, consumerId } = options.subscription;
  const stream = openStream(options.connection, topic, consumerId);
  await stream.createGroup({ signal: options.stopping });
  return { ended: new Consumer(stream, options).run() };
}

class Consumer {
  readonly #stream: Stream;
  readonly #options: ConsumerOptions;
  /** Fires when reads have had their time to end. */
  readonly #read = new AbortController();
  /** Fires when even the grace is over. */
  readonly #never = new AbortController();
  readonly #queue: Entry[] = [];
  /** By message id: what is being delivered, or waits here for it. */
  readonly #held = new Set<string>();
  /** What is acknowledged while a claim is on its way, which may have found it before. */
  #acknowledged: Set<string> | undefined;
  readonly #deliveries: Deliveries;
  #idle: Array<() => void> = [];
  #fetchers: Array<() => void> = [];
  #readerId: string | undefined;
  readonly #batch: number;
  readonly #redelivers: boolean;

  constructor(stream: Stream, options: ConsumerOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#batch = Math.max(1, options.subscription.bulk?.maxMessagesCount ?? 1);
    // Dapr: either of them at zero turns redelivery off.
    this.#redelivers = options.processingTimeoutMs > 0 && options.redeliverMs > 0;
    this.#deliveries = createDeliveries({
      timeoutMs: options.processingTimeoutMs,
      mostLate: mostLate * options.concurrency,
      clock: options.clock,
      late: (delivery) => this.#letGo(delivery),
    });
  }

  async run(): Promise<void> {
    const { stopping, closing, concurrency } = this.#options;
    const wake = (): void => this.#wakeAll();
    stopping.addEventListener("abort", wake, { once: true });
    const workers = Array.from({ length: concurrency }, () => this.#work());
    const reclaiming = this.#redelivers ? this.#reclaim() : undefined;
    if (this.#redelivers) void this.#deliveries.watch(this.#never.signal);
    const fetching = this.#fetch();
    const interrupting = this.#interrupt(fetching);
    await aborted(stopping);
    await this.#inTime(
      Promise.all([fetching, reclaiming, interrupting]).then(() => this.#handBack()),
    );
    this.#read.abort();
    const answers = Promise.all([...workers, this.#deliveries.idle()]);
    await Promise.race([answers, aborted(closing)]);
    await this.#inTime(answers);
    this.#never.abort();
    this.#deliveries.end(new Error("The component is closed"));
    await this.#inTime(answers);
  }

  #wakeAll(): void {
    for (const resume of [...this.#idle.splice(0), ...this.#fetchers.splice(0)]) resume();
  }

  async #fetch(): Promise<void> {
    const { reader, unblock, blockMs, queueDepth, stopping, subscription } = this.#options;
    const { topic, consumerId } = subscription;
    const backoff = createBackoff(pauses);
    while (!stopping.aborted) {
      try {
        // Not stopped by the signal: what Redis has handed out must not be lost on the way.
        const options = { signal: this.#read.signal };
        if (unblock)
          // Sent together with the read; the id changes when the connection is made anew.
          void reader.send(["CLIENT", "ID"], options).then(
            (id) => (this.#readerId = String(id)),
            () => {},
          );
        const entries = await this.#stream.read(reader, queueDepth, blockMs, options);
        backoff.reset();
        await this.#enqueue(entries);
      } catch (reason) {
        if (stopping.aborted) return;
        const lost = startsWith(reason, "NOGROUP");
        const what = lost
          ? `Consumer group ${consumerId} of stream ${topic} is gone, creating it again`
          : `Cannot read from stream ${topic}`;
        this.#options.log.warn(`${what}: ${messageOf(reason)}`, { topic });
        if (lost && (await this.#createGroup())) continue;
        await this.#sleep(backoff.next());
      }
    }
  }
  async #createGroup(): Promise<boolean> {
    try {
      await this.#stream.createGroup({ signal: this.#options.stopping });
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the waiting read at once; where that is not possible it ends by itself soon. */
  async #interrupt(fetching: Promise<void>): Promise<void> {
    const { connection, stopping, unblock, clock } = this.#options;
    if (!unblock) return;
    await aborted(stopping);
    let ended = false;
    void fetching.then(() => (ended = true));
    const options = { signal: this.#read.signal };
    while (!ended && !options.signal.aborted) {
      if (this.#readerId !== undefined)
        await connection.send(["CLIENT", "UNBLOCK", this.#readerId], options).catch(() => {});
      // The read may have been on its way only.
      await endsWithin(clock, unblockPauseMs, fetching, options);
    }
  }

  async #reclaim(): Promise<void> {
    const { stopping, processingTimeoutMs, redeliverMs, queueDepth, subscription, log } =
      this.#options;
    while (!stopping.aborted) {
      try {
        let found: readonly Entry[];
        do {
          const done = (this.#acknowledged = new Set<string>());
          found = await this.#stream.claim(processingTimeoutMs, queueDepth, { signal: stopping });
          this.#acknowledged = undefined;
          await this.#enqueue(found.filter(({ id }) => !done.has(id)));
        } while (found.length > 0 && !stopping.aborted);
      } catch (reason) {
        this.#acknowledged = undefined;
        if (!stopping.aborted && !startsWith(reason, "NOGROUP"))
          log.warn(`Cannot look for unacknowledged messages: ${messageOf(reason)}`, {
            topic: subscription.topic,
          });
      }
      await this.#sleep(redeliverMs);
    }
  }

  /** Resolves when there is room for more. */
  async #enqueue(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      // Claimed while it is still in work here: that delivery goes on.
      if (this.#held.has(entry.id)) continue;
      this.#held.add(entry.id);
      this.#queue.push(entry);
      this.#idle.pop()?.();
    }
    while (this.#queue.length >= this.#options.queueDepth && !this.#options.stopping.aborted)
      await new Promise<void>((resolve) => this.#fetchers.push(resolve));
  }

  async #work(): Promise<void> {
    const { stopping } = this.#options;
    while (!stopping.aborted) {
      const entries = this.#queue.splice(0, this.#batch);
      if (entries.length === 0) {
        await new Promise<void>((resolve) => this.#idle.push(resolve));
        continue;
      }
      for (const resume of this.#fetchers.splice(0)) resume();
      const ids = entries.map(({ id }) => id);
      await this.#deliveries.run(ids, (delivery) => this.#deliver(entries, delivery));
    }
  }

  async #deliver(entries: readonly Entry[], delivery: Delivery): Promise<void> {
    const { deliver, log, subscription } = this.#options;
    const { topic } = subscription;
    let acks: readonly Ack[] = [];
    try {
      const messages = entries.map(({ message }) => message);
      acks = await deliver(messages, delivery);
    } catch (reason) {
      log.error(`Delivery from topic ${topic} failed: ${messageOf(reason)}`, { topic });
    }
    const done = delivery.ids.filter((_, i) => acks[i] === "done" || acks[i] === "drop");
    try {
      if (done.length > 0) await this.#stream.acknowledge(done, { signal: this.#never.signal });
      for (const id of done) this.#acknowledged?.add(id);
    } catch (reason) {
      log.warn(`Cannot acknowledge messages, they will be delivered again: ${messageOf(reason)}`, {
        topic,
      });
    }
    if (delivery.isLate) this.#unqueue(new Set(done));
    else for (const id of delivery.ids) this.#held.delete(id);
  }

  /** Others may have the messages now; whoever still works on them may answer. */
  #letGo({ ids }: Delivery): void {
    const { processingTimeoutMs, log, subscription } = this.#options;
    for (const id of ids) this.#held.delete(id);
    log.warn(
      `Messages were not acknowledged within ${processingTimeoutMs} ms and will be delivered again: ${ids.join(", ")}`,
      { topic: subscription.topic },
    );
  }
  /** What was answered late need not be delivered again. */
  #unqueue(ids: ReadonlySet<string>): void {
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      const { id } = this.#queue[i] as Entry;
      if (!ids.has(id)) continue;
      this.#queue.splice(i, 1);
      this.#held.delete(id);
    }
  }

  /** What was fetched and not begun is for the next subscriber, and now. */
  async #handBack(): Promise<void> {
    const ids = this.#queue.splice(0).map(({ id }) => id);
    if (ids.length === 0) return;
    const options = { signal: this.#read.signal };
    try {
      await this.#stream.release(ids, Math.max(1, this.#options.processingTimeoutMs), options);
    } catch {
      // Then they come once they have been pending for long enough.
    }
  }

  #inTime(work: Promise<unknown>): Promise<boolean> {
    return endsWithin(this.#options.clock, graceMs, work);
  }
  async #sleep(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, { signal: this.#options.stopping }).catch(() => {});
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
