import { optionsOf } from "#components/_shared/options.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import { bytesOf } from "./bytes.ts";
import type { Argument } from "./client.ts";
import { connect } from "./connection.ts";
import { startConsumer } from "./consumer.ts";
import { pubsub } from "./manifest.ts";
import { readSettings } from "./settings.ts";

/** How long a read waits for messages before it asks again. */
const blockMs = 2000;

export async function open(spec: ComponentSpec, host: Host): Promise<PubSub> {
  const { clock, log } = host;
  const settings = readSettings(spec, pubsub.options);
  const options = readStreamOptions(spec);
  if (options.maxLength !== undefined && options.ttlMs !== undefined)
    log.warn("maxLenApprox and streamTTL do not go together; maxLenApprox is used", {
      component: spec.name,
    });
  const deps = { clock, log, component: spec.name };
  const connection = await connect(settings, deps);
  const consumers = new Set<Promise<void>>();
  const closing = new AbortController();

  return {
    features: [],
    publish: (topic, messages, call) =>
      // All of them are sent before the first is answered.
      Promise.all(
        messages.map(async (message) => {
          try {
            await connection.send(entryOf(topic, message, options, clock.now()), call, topic);
            return undefined;
          } catch (reason) {
            call.signal.throwIfAborted();
            return reason as Error;
          }
        }),
      ),
    subscribe: async (subscription, deliver, { signal }) => {
      if (closing.signal.aborted)
        throw new ComponentError("unavailable", "the component is closed");
      signal.throwIfAborted();
      const reader = await connect(settings, { ...deps, blockMs });
      const stopping = AbortSignal.any([signal, closing.signal]);
      try {
        const { ended } = await startConsumer({
          ...options,
          connection,
          reader,
          // Only then can the reader be told apart from the server's other connections.
          unblock: settings.mode === "node",
          blockMs,
          subscription,
          deliver,
          stopping,
          closing: closing.signal,
          clock,
          log,
        });
        const consumer = ended.finally(() => {
          reader.close();
          consumers.delete(consumer);
        });
        consumers.add(consumer);
      } catch (reason) {
        reader.close();
        throw reason;
      }
    },
    ping: async (call) => {
      await connection.send(["PING"], call);
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all(consumers);
      connection.close();
    },
  };
}

interface StreamOptions {
  readonly processingTimeoutMs: number;
  readonly redeliverMs: number;
  readonly queueDepth: number;
  readonly concurrency: number;
  readonly maxLength: number | undefined;
  readonly ttlMs: number | undefined;
}

function readStreamOptions(spec: ComponentSpec): StreamOptions {
  const options = optionsOf(spec, pubsub.options);
  const count = (name: string): number | undefined => {
    const value = options.number(name);
    if (value !== undefined && (!Number.isInteger(value) || value < 0))
      throw new Error(`${name} must be a whole number from 0, not ${value}`);
    return value === 0 ? undefined : value;
  };
  const duration = (name: string): number | undefined => {
    const value = options.duration(name, 1);
    if (value !== undefined && value < 0) throw new Error(`${name} must not be negative`);
    return value;
  };
  return {
    processingTimeoutMs: duration("processingTimeout") ?? 0,
    redeliverMs: duration("redeliverInterval") ?? 0,
    queueDepth: count("queueDepth") ?? 1,
    concurrency: count("concurrency") ?? 1,
    maxLength: count("maxLenApprox"),
    ttlMs: duration("streamTTL") || undefined,
  };
}

function entryOf(
  topic: string,
  message: Message,
  options: StreamOptions,
  now: number,
): readonly Argument[] {
  const args: Argument[] = ["XADD", topic];
  if (options.maxLength !== undefined) args.push("MAXLEN", "~", String(options.maxLength));
  else if (options.ttlMs !== undefined)
    args.push("MINID", "~", `${Math.max(0, Math.floor(now - options.ttlMs))}-1`);
  args.push("*", "data", bytesOf(message.data));
  for (const _ in message.metadata) {
    args.push("metadata", JSON.stringify(message.metadata));
    break;
  }
  return args;
}
