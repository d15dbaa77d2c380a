import type { Clock } from "#core/ports/platform.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Ack, Deliver, Message } from "#core/ports/pub-sub.ts";

/** Gathers messages that come one by one, until there are enough or the first has waited long enough. */
export interface BatchCollector {
  /** Resolves with the verdicts once the batch that the messages went into is through. Any one's signal ends the batch. */
  readonly add: Deliver;
  /** Sends what has gathered, without waiting for more. */
  flush(): void;
}

export function collectBatches(
  clock: Clock,
  {
    maxMessagesCount,
    maxAwaitDurationMs,
  }: { readonly maxMessagesCount: number; readonly maxAwaitDurationMs: number },
  send: Deliver,
): BatchCollector {
  interface Waiting {
    readonly message: Message;
    readonly signal: AbortSignal;
    readonly settle: (ack: Ack) => void;
  }
  let waiting: Waiting[] = [];
  let timer = new AbortController();

  async function flush(): Promise<void> {
    timer.abort();
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const acks = await send(
      batch.map(({ message }) => message),
      { signal: signalOf(batch.map(({ signal }) => signal)) },
    );
    batch.forEach(({ settle }, i) => settle(acks[i] ?? "retry"));
  }
  function startTimer(): void {
    timer = new AbortController();
    clock.sleep(maxAwaitDurationMs, timer).then(flush, () => {});
  }
  function addOne(message: Message, { signal }: CallOptions): Promise<Ack> {
    return new Promise((settle) => {
      waiting.push({ message, signal, settle });
      if (waiting.length >= maxMessagesCount) void flush();
      else if (waiting.length === 1) startTimer();
    });
  }
  return {
    add: (messages, options) => Promise.all(messages.map((message) => addOne(message, options))),
    flush: () => void flush(),
  };
}

function signalOf(signals: readonly AbortSignal[]): AbortSignal {
  const [first, ...others] = new Set(signals);
  if (first === undefined || others.length > 0) return AbortSignal.any([...new Set(signals)]);
  return first;
}
