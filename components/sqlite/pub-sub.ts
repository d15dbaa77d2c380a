import type { DatabaseSync } from "node:sqlite";
import { ComponentError } from "#core/errors/component-error.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import { keepTidy, openRoom } from "./broker-room.ts";
import { publishing, subscribing } from "./broker-rows.ts";
import { type BrokerSettings, readBrokerSettings } from "./broker-settings.ts";
import { createTables } from "./broker-tables.ts";
import { type Consumer, startConsumer } from "./consumer.ts";
import { GroupCommit } from "./group-commit.ts";
import { openDatabase } from "./open-database.ts";
import { onCommit } from "./wake-ups.ts";

/** Longest wait for another process that holds the file. */
const busyMs = 10_000;

/** A broker in a file that the processes of one machine share. */
export async function open(spec: ComponentSpec, host: Host): Promise<PubSub> {
  const { clock, log } = host;
  const settings = readBrokerSettings(spec);
  const closing = new AbortController();
  // What is published is on disk before it is acknowledged. What is taken and done may be forgotten in a
  // loss of power (it comes again), so it does not wait for the disk.
  const durable = await openFile(settings, host);
  const quick = await openFile(settings, host).catch((reason: unknown) => {
    durable.close();
    throw reason;
  });
  quick.exec("PRAGMA synchronous=NORMAL");
  const published = new GroupCommit(durable, clock, busyMs);
  const commits = new GroupCommit(quick, clock, busyMs);
  const adding = publishing(durable);
  const room = openRoom(durable, settings.maxBytes, log);
  const rows = subscribing(quick);
  const consumers = new Set<Consumer>();
  const lonely = new Set<string>();
  const holder = crypto.randomUUID();
  const wakeAll = (): void => {
    for (const consumer of consumers) consumer.wake();
  };
  const background = [
    onCommit(quick, settings.path, wakeAll, clock, closing),
    keepTidy(quick, settings, commits, { clock, log }, closing),
  ];

  const publish = async (
    topic: string,
    message: Message,
    signal: AbortSignal,
  ): Promise<Error | undefined> => {
    if (closing.signal.aborted) return closedError();
    let receivers = 0;
    try {
      await published.submit(
        () => {
          const now = clock.now();
          room.make(now);
          receivers = adding.add(topic, message, now);
        },
        { signal },
      );
    } catch (reason) {
      signal.throwIfAborted();
      return reason as Error;
    }
    if (receivers === 0) sayThatNobodyListens(topic);
    else lonely.delete(topic);
    return undefined;
  };
  const sayThatNobodyListens = (topic: string): void => {
    if (lonely.has(topic) || lonely.size >= mostTopics) return;
    lonely.add(topic);
    log.info(
      `No app has subscribed to topic ${topic} of ${spec.name} yet; the message is kept for ${settings.backlogMs / 1000} s`,
      { topic },
    );
  };

  return {
    features: ["SUBSCRIBE_WILDCARDS"],
    publish: async (topic, messages, { signal }) => {
      const results = await Promise.all(messages.map((message) => publish(topic, message, signal)));
      // Subscribers of this process need not wait for the file system to tell of the write.
      wakeAll();
      return results;
    },
    subscribe: async (subscription, deliver, { signal }) => {
      if (closing.signal.aborted) throw closedError();
      signal.throwIfAborted();
      const stopping = AbortSignal.any([signal, closing.signal]);
      const consumer = await startConsumer({
        ...settings,
        rows,
        commits,
        holder,
        subscription,
        deliver,
        stopping,
        closing: closing.signal,
        clock,
        log,
      });
      consumers.add(consumer);
      void consumer.ended.then(() => consumers.delete(consumer));
    },
    ping: async () => {
      if (closing.signal.aborted) throw closedError();
      quick.prepare("SELECT 1").get();
    },
    [Symbol.asyncDispose]: async () => {
      if (closing.signal.aborted) return;
      closing.abort(closedError());
      await Promise.all([...background, ...[...consumers].map(({ ended }) => ended)]);
      await Promise.all([published.drained(), commits.drained()]);
      quick.close();
      durable.close();
    },
  };
}

/** Of how many topics it is remembered that nobody listens. */
const mostTopics = 1000;

function openFile(
  { location, path, pragmas }: BrokerSettings,
  { clock }: Host,
): Promise<DatabaseSync> {
  const setUp = (db: DatabaseSync): void => {
    // Before anything is in the file, or it never gives space up.
    db.exec("PRAGMA auto_vacuum=INCREMENTAL");
    for (const pragma of pragmas) db.exec(`PRAGMA ${pragma}`);
    createTables(db);
  };
  return openDatabase({ location, waitMs: busyMs, title: path }, setUp, clock);
}

function closedError(): ComponentError {
  return new ComponentError("unavailable", "the broker is closed");
}
