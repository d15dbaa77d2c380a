import type { DescMessage } from "@bufbuild/protobuf";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { closedError } from "./errors.ts";
import type { Link } from "./link.ts";
import { type Reading, readOn } from "./reader.ts";

/** All that is read of one component. */
export interface Readers {
  /** Resolves once the first stream is open; then reads until the signal fires, see `readOn`. */
  start<I extends DescMessage, O extends DescMessage>(
    reading: Reading<I, O>,
    options: CallOptions,
  ): Promise<void>;
  /** Reads nothing more, and closes the link once what is in hand is answered, after 5 s at the latest. */
  close(): Promise<void>;
}

/** Whoever closes a component has waited for the app before: only the answers are still on their way. */
const graceMs = 5000;

export function createReaders(link: Link, clock: Clock): Readers {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  return {
    start: async (reading, options) => {
      const until = { signal: AbortSignal.any([options.signal, closing.signal, link.closed]) };
      until.signal.throwIfAborted();
      const stream = await link.stream(reading.method, until);
      const reader = readOn(link, reading, stream, until).finally(() => running.delete(reader));
      running.add(reader);
    },
    close: async () => {
      closing.abort(closedError());
      await endsWithin(clock, graceMs, Promise.all(running), { signal: link.closed });
      link.close();
    },
  };
}
