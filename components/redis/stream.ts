import { ComponentError } from "#core/errors/component-error.ts";
import { type CallOptions, type Metadata, noMetadata } from "#core/ports/component.ts";
import type { Message } from "#core/ports/pub-sub.ts";
import type { RedisConnection } from "./connection.ts";

/** The commands on one stream and one consumer group of it. */
export interface Stream {
  /** Makes group and stream where they are missing; a new group gets what is there already. */
  createGroup(options: CallOptions): Promise<void>;
  /** New messages; waits `blockMs` for the first. */
  read(
    reader: RedisConnection,
    count: number,
    blockMs: number,
    options: CallOptions,
  ): Promise<readonly Entry[]>;
  acknowledge(ids: readonly string[], options: CallOptions): Promise<void>;
  /** Takes over up to `count` messages that nobody has acknowledged for `idleMs`. */
  claim(idleMs: number, count: number, options: CallOptions): Promise<readonly Entry[]>;
  /** Lets others claim the messages at once. */
  release(ids: readonly string[], idleMs: number, options: CallOptions): Promise<void>;
}
export interface Entry {
  readonly id: string;
  readonly message: Message;
}

/** Dapr: the consumer is named as the group, so all instances of an app are one consumer to Redis. */
export function openStream(connection: RedisConnection, topic: string, group: string): Stream {
  const claim = async (
    idleMs: number,
    ids: readonly string[],
    more: readonly string[],
    options: CallOptions,
  ) =>
    connection.send(
      ["XCLAIM", topic, group, group, String(idleMs), ...ids, ...more],
      options,
      topic,
    );
  return {
    createGroup: async (options) => {
      try {
        await connection.send(["XGROUP", "CREATE", topic, group, "0", "MKSTREAM"], options, topic);
      } catch (reason) {
        if (!startsWith(reason, "BUSYGROUP")) throw reason;
      }
    },
    read: async (reader, count, blockMs, options) => {
      const from = ["GROUP", group, group, "COUNT", String(count), "BLOCK", String(blockMs)];
      const reply = await reader.send(
        ["XREADGROUP", ...from, "STREAMS", topic, ">"],
        options,
        topic,
      );
      const [stream] = Array.isArray(reply) ? reply : [];
      return entriesOf(Array.isArray(stream) ? stream[1] : undefined);
    },
    acknowledge: async (ids, options) => {
      await connection.send(["XACK", topic, group, ...ids], options, topic);
    },
    claim: async (idleMs, count, options) => {
      const find = ["XPENDING", topic, group, "IDLE", String(idleMs), "-", "+", String(count)];
      const pending = await connection.send(find, options, topic);
      const ids = Array.isArray(pending)
        ? pending.map((row: readonly unknown[]) => String(row[0]))
        : [];
      if (ids.length === 0) return [];
      const reply = await claim(idleMs, ids, [], options);
      const entries = entriesOf(reply);
      // Before Redis 7 a message that was trimmed meanwhile comes back as nothing and would stay pending forever.
      if (Array.isArray(reply) && entries.length < reply.length) {
        const missing = new Set(ids);
        for (const { id } of entries) missing.delete(id);
        for (const id of missing) {
          const found = await connection.send(["XRANGE", topic, id, id], options, topic);
          if (Array.isArray(found) && found.length === 0)
            await connection.send(["XACK", topic, group, id], options, topic);
        }
      }
      return entries;
    },
    release: async (ids, idleMs, options) => {
      await claim(0, ids, ["IDLE", String(idleMs), "JUSTID"], options);
    },
  };
}

export function startsWith(reason: unknown, code: string): boolean {
  return ComponentError.is(reason) && reason.message.startsWith(code);
}

function entriesOf(reply: unknown): readonly Entry[] {
  if (!Array.isArray(reply)) return [];
  const entries: Entry[] = [];
  for (const row of reply)
    if (Array.isArray(row)) entries.push({ id: String(row[0]), message: messageOf(row[1]) });
  return entries;
}

/** Names and values in turn. */
function messageOf(fields: unknown): Message {
  let data: Buffer = Buffer.alloc(0);
  let metadata = noMetadata;
  if (Array.isArray(fields))
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = String(fields[i]);
      if (name === "data") data = fields[i + 1] as Buffer;
      else if (name === "metadata") metadata = metadataOf(String(fields[i + 1]));
    }
  return { data, metadata };
}

/** What others wrote may be no JSON map of text; such metadata is left out, not the message. */
function metadataOf(text: string): Metadata {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return noMetadata;
    return Object.values(value).every((one) => typeof one === "string")
      ? (value as Metadata)
      : noMetadata;
  } catch {
    return noMetadata;
  }
}
