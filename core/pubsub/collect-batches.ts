import type { Clock } from "#core/ports/platform.ts";
import type { Ack, Message } from "#core/ports/pub-sub.ts";

/** Gathers messages that come one by one, until there are enough or the first has waited long enough. */
export interface BatchCollector {
  /** Resolves with the verdicts once the batch that the messages went into is through. */
  add(messages: readonly Message[]): Promise<readonly Ack[]>;
  /** Sends what has gathered, without waiting for more. */
  flush(): void;
}

export function collectBatches(
  clock: Clock,
  {
    maxMessagesCount,
    maxAwaitDurationMs,
  }: { readonly maxMessagesCount: number; readonly maxAwaitDurationMs: number },
  send: (messages: readonly Message[]) => Promise<readonly Ack[]>,
): BatchCollector {
  interface Waiting {
    readonly message: Message;
    readonly settle: (ack: Ack) => void;
  }
  let waiting: Waiting[] = [];
  let timer = new AbortController();

  async function flush(): Promise<void> {
    timer.abort();
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const acks = await send(batch.map(({ message }) => message));
    batch.forEach(({ settle }, i) => settle(acks[i] ?? "retry"));
  }
  function startTimer(): void {
    timer = new AbortController();
    clock.sleep(maxAwaitDurationMs, timer).then(flush, () => {});
  }
  function addOne(message: Message): Promise<Ack> {
    return new Promise((settle) => {
      waiting.push({ message, settle });
      if (waiting.length >= maxMessagesCount) void flush();
      else if (waiting.length === 1) startTimer();
    });
  }
  return {
    add: (messages) => Promise.all(messages.map(addOne)),
    flush: () => void flush(),
  };
}
