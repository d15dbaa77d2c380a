import { DatabaseSync } from "node:sqlite";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import { keepTidy, openRoom } from "./broker-room.ts";
import { publishing, subscribing } from "./broker-rows.ts";
import { type BrokerSettings, readBrokerSettings } from "./broker-settings.ts";
import { createTables } from "./broker-tables.ts";
import { type Consumer, startConsumer } from "./consumer.ts";
import { GroupCommit } from "./group-commit.ts";
import { onCommit } from "./wake-ups.ts";
import { untilFree } from "./until-free.ts";

/** Longest wait for another process that holds the file. */
const busyMs = 10_000;

/** A broker in a file that the processes of one machine share. */
export async function open(spec: ComponentSpec, host: Host): Promise<PubSub> {
  const { clock, log } = host;
  const settings = readBrokerSettings(spec);
  const closing = new AbortController();
  // What is published is on disk before it is acknowledged. What is taken and done may be forgotten in a
  // loss of power (it comes again), so it does not wait for the disk.
  const durable = await openDatabase(settings, host);
  const quick = await openDatabase(settings, host).catch((reason: unknown) => {
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

async function openDatabase(settings: BrokerSettings, { clock }: Host): Promise<DatabaseSync> {
  let db: DatabaseSync | undefined;
  try {
    // Waiting is ours to do: SQLite's own busy handler would stop the whole process.
    const opened = new DatabaseSync(settings.location, { timeout: 0 });
    db = opened;
    const setUp = (): void => {
      // Before anything is in the file, or it never gives space up.
      opened.exec("PRAGMA auto_vacuum=INCREMENTAL");
      for (const pragma of settings.pragmas) opened.exec(`PRAGMA ${pragma}`);
      createTables(opened);
    };
    await untilFree(setUp, busyMs, clock, new AbortController());
    return opened;
  } catch (reason) {
    db?.close();
    throw new Error(
      `cannot open the SQLite database ${settings.path}: ${messageOf(reason)}; check that its directory exists and may be written to`,
      { cause: reason },
    );
  }
}

function closedError(): ComponentError {
  return new ComponentError("unavailable", "the broker is closed");
}
