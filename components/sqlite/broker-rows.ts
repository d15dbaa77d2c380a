import type { DatabaseSync } from "node:sqlite";
import type { Message } from "#core/ports/pub-sub.ts";

/** A message that a subscriber holds until it settles it, or its time is over. */
export interface Held {
  readonly id: number;
  readonly message: Message;
}

/** The statements of publishing, prepared once. They are synchronous, and run inside a transaction. */
export interface Publishing {
  /** How many consumers will get it. */
  add(topic: string, message: Message, now: number): number;
}
/** The statements of subscribing. All but `dueAt` run inside a transaction. */
export interface Subscribing {
  /** The id of the consumer; one that is new gets what was published since then. */
  join(topic: string, name: string, now: number, backlogSince: number): number;
  /** When something is due for the consumer; 0 for what was never delivered. `undefined`: nothing is. */
  dueAt(consumer: number): number | undefined;
  /** Takes what is due, in order, until `until`. */
  claim(consumer: number, holder: string, now: number, until: number, most: number): Held[];
  /** Done with it, whoever holds it. */
  remove(consumer: number, id: number): void;
  /** Due again at that time, if it is still ours; 0 puts it before everything else that waits. */
  putBack(consumer: number, id: number, holder: string, due: number): void;
  renew(consumer: number, id: number, holder: string, until: number): void;
  /** False: the consumer was forgotten. */
  touch(consumer: number, now: number): boolean;
}

/** `?1` is a topic that was published to, `topic` what a consumer asked for: a `*` at its end stands for at least one character. */
const covers = `(topic = ?1 OR (substr(topic, -1) = '*' AND length(?1) >= length(topic)
  AND substr(?1, 1, length(topic) - 1) = substr(topic, 1, length(topic) - 1)))`;

export function publishing(db: DatabaseSync): Publishing {
  const insert = db.prepare(
    "INSERT INTO messages (topic, published, content_type, metadata, data) VALUES (?, ?, ?, ?, ?)",
  );
  const spread = db.prepare(
    `INSERT INTO deliveries (consumer, message, due) SELECT id, ?2, 0 FROM consumers WHERE ${covers}`,
  );
  return {
    add: (topic, { data, contentType, metadata }, now) => {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      const { lastInsertRowid } = insert.run(
        topic,
        now,
        contentType ?? null,
        JSON.stringify(metadata),
        bytes,
      );
      return Number(spread.run(topic, lastInsertRowid).changes);
    },
  };
}

export function subscribing(db: DatabaseSync): Subscribing {
  const found = db.prepare("SELECT id FROM consumers WHERE topic = ? AND name = ?");
  const create = db.prepare("INSERT INTO consumers (topic, name, seen) VALUES (?, ?, ?)");
  const backlog = db.prepare(
    "INSERT INTO deliveries (consumer, message, due) SELECT ?, id, 0 FROM messages WHERE topic = ? AND published >= ?",
  );
  const backlogOfMany = db.prepare(
    `INSERT INTO deliveries (consumer, message, due) SELECT ?, id, 0 FROM messages
     WHERE substr(topic, 1, ?) = ? AND length(topic) > ? AND published >= ?`,
  );
  const touch = db.prepare("UPDATE consumers SET seen = ? WHERE id = ?");
  const first = db.prepare("SELECT min(due) AS due FROM deliveries WHERE consumer = ?");
  const again = db.prepare(
    "SELECT message FROM deliveries WHERE consumer = ? AND due BETWEEN 1 AND ? ORDER BY due, message LIMIT ?",
  );
  const fresh = db.prepare(
    "SELECT message FROM deliveries WHERE consumer = ? AND due = 0 ORDER BY message LIMIT ?",
  );
  const take = db.prepare(
    "UPDATE deliveries SET due = ?, holder = ? WHERE consumer = ? AND message = ?",
  );
  const read = db.prepare("SELECT content_type, metadata, data FROM messages WHERE id = ?");
  const remove = db.prepare("DELETE FROM deliveries WHERE consumer = ? AND message = ?");
  const putBack = db.prepare(
    "UPDATE deliveries SET due = ?, holder = NULL WHERE consumer = ? AND message = ? AND holder = ?",
  );
  const renew = db.prepare(
    "UPDATE deliveries SET due = ? WHERE consumer = ? AND message = ? AND holder = ?",
  );
  return {
    join: (topic, name, now, since) => {
      const row = found.get(topic, name);
      if (row) {
        touch.run(now, Number(row["id"]));
        return Number(row["id"]);
      }
      const consumer = Number(create.run(topic, name, now).lastInsertRowid);
      if (!topic.endsWith("*")) backlog.run(consumer, topic, since);
      else {
        const prefix = topic.slice(0, -1);
        const { length } = [...prefix];
        backlogOfMany.run(consumer, length, prefix, length, since);
      }
      return consumer;
    },
    dueAt: (consumer) => {
      const due = first.get(consumer)?.["due"];
      return typeof due === "number" ? due : undefined;
    },
    claim: (consumer, holder, now, until, most) => {
      const ids = [...again.all(consumer, now, most)];
      if (ids.length < most) ids.push(...fresh.all(consumer, most - ids.length));
      const held: Held[] = [];
      for (const { message } of ids) {
        const id = Number(message);
        const row = read.get(id) as Row | undefined;
        if (!row) {
          remove.run(consumer, id);
          continue;
        }
        take.run(until, holder, consumer, id);
        held.push({ id, message: messageOf(row) });
      }
      return held;
    },
    remove: (consumer, id) => void remove.run(consumer, id),
    putBack: (consumer, id, holder, due) => void putBack.run(due, consumer, id, holder),
    renew: (consumer, id, holder, until) => void renew.run(until, consumer, id, holder),
    touch: (consumer, now) => touch.run(now, consumer).changes > 0,
  };
}

interface Row {
  readonly content_type: string | null;
  readonly metadata: string;
  readonly data: Uint8Array;
}

function messageOf({ content_type: contentType, metadata, data }: Row): Message {
  return {
    data,
    metadata: JSON.parse(metadata) as Message["metadata"],
    ...(contentType === null ? {} : { contentType }),
  };
}
