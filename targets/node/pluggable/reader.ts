import type {
  DescMessage,
  DescMethodBiDiStreaming,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import type { Link } from "./link.ts";
import type { Stream } from "./stream.ts";

export interface Reading<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodBiDiStreaming<I, O>;
  /** Opens the subject, where the stream needs one. */
  readonly first?: MessageInitShape<I>;
  /** Messages in hand at the same time. */
  readonly limit: number;
  /** The answer that goes back for a message, where there is one. Never rejects. */
  readonly handle: (message: MessageShape<O>) => Promise<MessageInitShape<I> | undefined>;
  /** Log fields that say what is read. */
  readonly about: object;
  readonly clock: Clock;
  readonly log: Log;
}

const waits: Pauses = { firstMs: 500, longestMs: 10_000, factor: 1.5 };
/** How long a component may take to end a stream that we have ended. */
const farewellMs = 1000;
/** Dapr: so long a stream stays open after its last answer, which the component may still have to read. */
const settleMs = 400;

/** Reads, over new streams if need be, until the signal fires: what is in hand then is still answered. */
export async function readOn<I extends DescMessage, O extends DescMessage>(
  link: Link,
  reading: Reading<I, O>,
  opened: Stream<I, O>,
  options: CallOptions,
): Promise<void> {
  const { method, clock, log, about } = reading;
  let stream: Stream<I, O> | undefined = opened;
  const backoff = createBackoff(waits);
  for (;;) {
    try {
      stream ??= await link.stream(method, options);
      await readStream(link, reading, stream, backoff.reset, options);
      if (options.signal.aborted) return;
      log.warn("The component ended a stream; opening it again", about);
    } catch (reason) {
      if (options.signal.aborted) return;
      log.error(`Cannot read from the component: ${messageOf(reason)}`, about);
      if (ComponentError.is(reason) && reason.kind === "unsupported") return;
    }
    stream = undefined;
    try {
      await clock.sleep(backoff.next(), options);
    } catch {
      return;
    }
  }
}

/** Resolves when the component has ended the stream, or the signal has fired and what was in hand is answered; rejects when the stream failed. */
async function readStream<I extends DescMessage, O extends DescMessage>(
  link: Link,
  { first, handle, limit, clock }: Reading<I, O>,
  stream: Stream<I, O>,
  heard: () => void,
  { signal }: CallOptions,
): Promise<void> {
  const inHand = new Set<Promise<unknown>>();
  const left = new AbortController();
  try {
    if (first) await stream.send(first);
    stream.read((message) => {
      heard();
      const work = handle(message).then((answer) => answer && stream.send(answer));
      inHand.add(work);
      return work.then(() => void inHand.delete(work));
    }, limit);
    await Promise.race([stream.ended, fired(signal, left.signal)]);
    if (!signal.aborted) return;
    stream.pause();
    const isBusy = inHand.size > 0;
    const closed = fired(link.closed, left.signal);
    await Promise.race([Promise.all(inHand), stream.ended, closed]);
    const settled = isBusy ? clock.sleep(settleMs, left).catch(() => {}) : undefined;
    await Promise.race([settled, stream.ended, closed]);
    stream.end();
    const late = clock.sleep(farewellMs, left).catch(() => {});
    await Promise.race([stream.ended, late, closed]);
  } finally {
    left.abort();
    stream.cancel();
  }
}

/** Resolves when the first signal fires, or the second: then nobody waits any more. */
function fired(signal: AbortSignal, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
    left.addEventListener("abort", done, { once: true });
  });
}
