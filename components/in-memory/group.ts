import type { Data } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { Ack, Deliver, Message } from "#core/ports/pub-sub.ts";
import { Fifo } from "./fifo.ts";

/** Bounds of what one consumer may have waiting for it on one topic: messages, and bytes or characters of payload. */
export const mostMessages: number = 100_000;
export const mostPayload: number = 256 * 1024 * 1024;

export interface GroupOptions {
  readonly clock: Clock;
  readonly redeliverMs: number;
  /** Fires when the broker closes. */
  readonly closing: AbortSignal;
  failed(reason: unknown): void;
}
interface Member {
  readonly deliver: Deliver;
  readonly most: number;
  gone: boolean;
}
interface Delayed {
  readonly due: number;
  readonly message: Message;
}

/** The subscribers that share the messages of one topic. Each handles one delivery at a time, in order; who is free longest comes first. */
export class Group {
  readonly #options: GroupOptions;
  readonly #members = new Set<Member>();
  readonly #idle = new Fifo<Member>();
  readonly #waiting = new Fifo<Message>();
  readonly #delayed = new Fifo<Delayed>();
  #timing = false;
  /** All that is not yet done with: waiting, delayed or in delivery. */
  #messages = 0;
  #payload = 0;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** Returns how to leave; that answers how many members stay. */
  join(deliver: Deliver, most: number): () => number {
    const member: Member = { deliver, most, gone: false };
    this.#members.add(member);
    void this.#serve(member);
    return () => {
      member.gone = true;
      this.#members.delete(member);
      this.#wake();
      return this.#members.size;
    };
  }
  hasRoomFor({ data }: Message): boolean {
    return this.#messages < mostMessages && this.#payload + sizeOf(data) <= mostPayload;
  }
  add(message: Message): void {
    this.#messages++;
    this.#payload += sizeOf(message.data);
    this.#waiting.push(message);
    this.#wake();
  }

  #wake(): void {
    while (this.#waiting.size > 0) {
      const member = this.#idle.shift();
      if (member === undefined) return;
      if (member.gone) continue;
      void this.#serve(member);
      return;
    }
  }

  async #serve(member: Member): Promise<void> {
    // The publisher goes on first.
    await Promise.resolve();
    const options = { signal: this.#options.closing };
    while (!member.gone) {
      const batch = this.#take(member.most);
      if (batch.length === 0) {
        this.#idle.push(member);
        return;
      }
      if (this.#waiting.size > 0) this.#wake();
      let acks: readonly Ack[] = [];
      try {
        acks = await member.deliver(batch, options);
      } catch (reason) {
        this.#options.failed(reason);
      }
      batch.forEach((message, i) => this.#settle(message, acks[i] ?? "retry"));
    }
    this.#wake();
  }

  #take(most: number): readonly Message[] {
    const batch: Message[] = [];
    while (batch.length < most) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      batch.push(message);
    }
    return batch;
  }

  #settle(message: Message, ack: Ack): void {
    const { clock, redeliverMs } = this.#options;
    if (ack === "retry" && redeliverMs > 0) {
      this.#delayed.push({ due: clock.now() + redeliverMs, message });
      if (!this.#timing) void this.#redeliver();
      return;
    }
    this.#messages--;
    this.#payload -= sizeOf(message.data);
  }

  /** The delay is the same for all, so what was put aside first is due first. */
  async #redeliver(): Promise<void> {
    const { clock, closing } = this.#options;
    this.#timing = true;
    try {
      for (let next = this.#delayed.shift(); next; next = this.#delayed.shift()) {
        const left = next.due - clock.now();
        if (left > 0) await clock.sleep(left, { signal: closing });
        // Without members the group is given up.
        if (this.#members.size === 0) return;
        this.#waiting.push(next.message);
        this.#wake();
      }
    } catch {
      // The broker closes.
    } finally {
      this.#timing = false;
    }
  }
}

function sizeOf(data: Data): number {
  return data.length;
}
