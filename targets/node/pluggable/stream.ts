import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { RawCall } from "./call.ts";
import { decode, encode } from "./messages.ts";

/** A stream both ways. */
export interface Stream<I extends DescMessage, O extends DescMessage> {
  /** Resolves once the message is on its way, or the stream has ended. */
  send(request: MessageInitShape<I>): Promise<void>;
  /** Hands over each message, at most `limit` at a time; the others wait, most of them at the component. `handle` never rejects. */
  read(handle: (message: MessageShape<O>) => Promise<void>, limit: number): void;
  /** Hands nothing more over. */
  pause(): void;
  /** Says that nothing more will be sent. */
  end(): void;
  cancel(): void;
  /** Resolves when the component has ended the stream, rejects with a ComponentError when it failed. */
  readonly ended: Promise<void>;
}

/** Reads nothing before it is asked to; then what comes in goes to `messages.take`. */
export function openStream<I extends DescMessage, O extends DescMessage>(
  input: I,
  output: O,
  call: RawCall,
  messages: { take(message: Uint8Array): void },
): Stream<I, O> {
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  call.over.then(ended.resolve, ended.reject);
  call.pause();
  let paused = false;
  return {
    ended: ended.promise,
    send: (request) => call.write(encode(input, request)),
    read: (handle, limit) => {
      /** The rest of a chunk that held more messages than there is room for. */
      const waiting: Uint8Array[] = [];
      let running = 0;
      const run = async (bytes: Uint8Array): Promise<void> => {
        running++;
        try {
          await handle(decode(output, bytes));
        } catch (reason) {
          ended.reject(reason);
          call.cancel();
        }
        running--;
        next();
      };
      const next = (): void => {
        if (paused) return;
        while (running < limit && waiting.length > 0) void run(waiting.shift() as Uint8Array);
        if (running < limit) call.resume();
        else call.pause();
      };
      messages.take = (bytes) => {
        waiting.push(bytes);
        next();
      };
      next();
    },
    pause: () => {
      paused = true;
      call.pause();
    },
    end: call.end,
    cancel: call.cancel,
  };
}
