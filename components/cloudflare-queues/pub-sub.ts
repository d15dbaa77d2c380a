import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import { isLargerThan } from "#components/_shared/is-larger-than.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import { producerBinding, topicsByQueue } from "./queue-names.ts";

/** As much of a queue's producer binding as is used. */
interface Producer {
  send(body: unknown, options: { readonly contentType: "text" | "bytes" }): Promise<unknown>;
  sendBatch(messages: readonly Sendable[]): Promise<unknown>;
}
interface Sendable {
  readonly body: string | Uint8Array;
  readonly contentType: "text" | "bytes";
}
/** The platform's limits; local queues do not enforce them, so that going over them would show in production only. */
const maxMessageBytes = 128_000;
const maxBatchBytes = 256_000;
const maxBatchMessages = 100;

/** No `subscribe`: the platform pushes, and the Worker's `queue` handler takes. */
export async function open(spec: ComponentSpec, host: Host): Promise<PubSub> {
  topicsByQueue(spec.metadata["queues"]);
  const producers = new Map<string, string>();
  const producerOf = (topic: string): Producer => {
    let name = producers.get(topic);
    if (name === undefined) {
      name = producerBinding(topic);
      if (producers.size < maxNames) producers.set(topic, name);
    }
    const producer = host.binding(name) as Producer | undefined;
    if (typeof producer?.send === "function") return producer;
    throw new ComponentError(
      "rejected",
      `topic ${topic} has no queue: the Worker has no producer binding "${name}"; add it to queues.producers`,
    );
  };
  return {
    features: [],
    publish: async (topic, messages) => {
      const producer = producerOf(topic);
      const failures: Array<Error | undefined> = messages.map(() => undefined);
      for (const batch of batches(messages, failures)) {
        try {
          const [first] = batch.sendable;
          if (batch.sendable.length === 1 && first)
            await producer.send(first.body, { contentType: first.contentType });
          else await producer.sendBatch(batch.sendable);
        } catch (reason) {
          const failure = new ComponentError("unavailable", messageOf(reason), { cause: reason });
          for (const i of batch.indexes) failures[i] = failure;
        }
      }
      return failures;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
const maxNames = 1000;

interface Batch {
  readonly sendable: Sendable[];
  readonly indexes: number[];
  bytes: number;
}
/** What the platform takes at once; a message over its limit fails on its own. */
function batches(
  messages: readonly Message[],
  failures: Array<Error | undefined>,
): readonly Batch[] {
  const out: Batch[] = [];
  messages.forEach(({ data }, i) => {
    if (isLargerThan(data, maxMessageBytes)) {
      failures[i] = new ComponentError(
        "rejected",
        `message is larger than the ${maxMessageBytes} bytes of Cloudflare Queues`,
      );
      return;
    }
    // Text in the worst case: a smaller batch costs less than counting.
    const bytes =
      typeof data === "string" ? Math.min(data.length * 3, maxMessageBytes) : data.byteLength;
    let batch = out.at(-1);
    if (
      !batch ||
      batch.indexes.length === maxBatchMessages ||
      batch.bytes + bytes > maxBatchBytes
    ) {
      batch = { sendable: [], indexes: [], bytes: 0 };
      out.push(batch);
    }
    batch.sendable.push({ body: data, contentType: typeof data === "string" ? "text" : "bytes" });
    batch.indexes.push(i);
    batch.bytes += bytes;
  });
  return out;
}
