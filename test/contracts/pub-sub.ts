import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import { noMetadata } from "#core/ports/component.ts";
import type { Ack, Deliver, Message, PubSub, TopicSubscription } from "#core/ports/pub-sub.ts";
import { eventually } from "#test/support/eventually.ts";

export interface PubSubTraits {
  /** A single subscriber gets one topic's messages in the order they were published in. */
  readonly ordered: boolean;
  /** Messages wait for a consumer that has been there once. */
  readonly persistent: boolean;
  /** The content type reaches the subscriber. */
  readonly contentType: boolean;
  /** After so long a message comes again that was not acknowledged. */
  readonly redeliverAfterMs: number;
  /** Lets time pass for the broker. Where absent, time passes by itself. */
  readonly elapse?: (ms: number) => Promise<void>;
}
export interface PubSubSubject {
  readonly name: string;
  readonly open: () => Promise<PubSub>;
  readonly traits: PubSubTraits;
  /** Removes what the run left at the broker. */
  readonly cleanup?: (topics: readonly string[]) => Promise<void>;
}

const options = { signal: new AbortController().signal };

interface Received {
  readonly texts: string[];
  readonly messages: Message[];
  /** Sizes of the deliveries. */
  readonly batches: number[];
  stop(): void;
}

/** What every broker promises, whatever is behind it. Capabilities that it does not have are skipped, by name. */
export function pubSubContract({ name, open, traits, cleanup }: PubSubSubject): void {
  const run = crypto.randomUUID();
  const topics: string[] = [];
  const stops: Array<() => void> = [];
  let broker: PubSub;

  beforeAll(async () => {
    broker = await open();
  });
  afterAll(async () => {
    for (const stop of stops) stop();
    await broker?.[Symbol.asyncDispose]();
    await cleanup?.(topics);
  });

  const newTopic = (): string => {
    const topic = `contract-${run}-${topics.length}`;
    topics.push(topic);
    return topic;
  };
  const publish = async (topic: string, ...texts: readonly string[]): Promise<void> => {
    const results = await broker.publish(
      topic,
      texts.map((data) => ({ data, metadata: noMetadata })),
      options,
    );
    expect(results).toEqual(texts.map(() => undefined));
  };
  /** Listens, and answers each message with what `verdict` says. */
  const listen = async (
    topic: string,
    consumerId: string,
    verdict: (text: string, attempt: number) => Ack | Promise<Ack> = () => "done",
    bulk?: TopicSubscription["bulk"],
  ): Promise<Received> => {
    const controller = new AbortController();
    const attempts = new Map<string, number>();
    const received: Received = {
      texts: [],
      messages: [],
      batches: [],
      stop: () => controller.abort(),
    };
    stops.push(received.stop);
    const deliver: Deliver = async (messages) => {
      received.batches.push(messages.length);
      return Promise.all(
        messages.map(async (message) => {
          const text = textOf(message);
          const attempt = (attempts.get(text) ?? 0) + 1;
          attempts.set(text, attempt);
          received.texts.push(text);
          received.messages.push(message);
          return verdict(text, attempt);
        }),
      );
    };
    const subscription = { topic, consumerId, metadata: noMetadata, ...(bulk ? { bulk } : {}) };
    await broker.subscribe?.(subscription, deliver, controller);
    return received;
  };
  const gets = (received: Received, count: number): Promise<true> =>
    eventually(() => (received.texts.length >= count ? true : undefined), {
      what: `${count} messages`,
    });
  /** Lets the time pass after which something that is not expected would have happened. */
  const quiet = (): Promise<void> =>
    traits.elapse ? traits.elapse(traits.redeliverAfterMs * 3) : pause(traits.redeliverAfterMs * 3);
  const untilRedelivered = async (check: () => boolean): Promise<void> => {
    await eventually(
      async () => {
        await traits.elapse?.(traits.redeliverAfterMs);
        return check();
      },
      { withinMs: 5000 + traits.redeliverAfterMs * 4, what: "the redelivery" },
    );
  };

  describe("delivery", () => {
    test("publish reaches the subscriber, once", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const received = await listen(topic, "app");
      await publish(topic, "one");
      await gets(received, 1);
      await quiet();
      expect(received.texts).toEqual(["one"]);
    });
    test("publish goes through where nobody listens", async () => {
      const results = await broker.publish(
        newTopic(),
        [{ data: "one", metadata: noMetadata }],
        options,
      );
      expect(results).toEqual([undefined]);
    });
    test("publish keeps topics apart", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const [topic, other] = [newTopic(), newTopic()];
      const [received, there] = [await listen(topic, "app"), await listen(other, "app")];
      await publish(topic, "here");
      await publish(other, "there");
      await Promise.all([gets(received, 1), gets(there, 1)]);
      expect([received.texts, there.texts]).toEqual([["here"], ["there"]]);
    });
    test("publish brings text, bytes and metadata over as they are", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const received = await listen(topic, "app");
      const metadata = { partitionKey: "ü", Quoted: '"\\' };
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const published: Message[] = [
        { data: "日本 \u0000", contentType: "application/json", metadata },
        { data: bytes, contentType: "application/octet-stream", metadata: noMetadata },
        { data: "", metadata: noMetadata },
        { data: "x".repeat(1024 * 1024), metadata: noMetadata },
      ];
      for (const [i, message] of published.entries()) {
        expect(await broker.publish(topic, [message], options)).toEqual([undefined]);
        await gets(received, i + 1);
      }
      expect(received.messages.map(bytesOf)).toEqual(published.map(bytesOf));
      expect(received.messages[0]?.metadata).toMatchObject(metadata);
      expect(received.messages.map(({ contentType }) => contentType)).toEqual(
        traits.contentType
          ? published.map(({ contentType }) => contentType)
          : published.map(() => undefined),
      );
    });
    test("publish keeps the order for a single subscriber", async (context) => {
      if (!broker.subscribe || !traits.ordered) context.skip(`${name} does not promise an order`);
      const topic = newTopic();
      const received = await listen(topic, "app");
      const texts = Array.from({ length: 200 }, (_, i) => String(i));
      for (let i = 0; i < texts.length; i += 20) await publish(topic, ...texts.slice(i, i + 20));
      await gets(received, texts.length);
      expect(received.texts).toEqual(texts);
    });
    test("publish loses none of many messages", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const received = await listen(topic, "app");
      const texts = Array.from({ length: 2000 }, (_, i) => String(i));
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          publish(topic, ...texts.slice(i * 100, i * 100 + 100)),
        ),
      );
      await gets(received, texts.length);
      expect(new Set(received.texts)).toEqual(new Set(texts));
      expect(received.texts).toHaveLength(texts.length);
    });
    test("publish of no messages answers nothing", async () => {
      expect(await broker.publish(newTopic(), [], options)).toEqual([]);
    });
  });

  describe("consumers", () => {
    test("subscribe gives each consumer every message", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const [a, b] = [await listen(topic, "a"), await listen(topic, "b")];
      await publish(topic, "1", "2", "3");
      await Promise.all([gets(a, 3), gets(b, 3)]);
      expect([a.texts.toSorted(), b.texts.toSorted()]).toEqual([
        ["1", "2", "3"],
        ["1", "2", "3"],
      ]);
    });
    test("subscribe shares the messages among subscribers of one consumer id", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const slow = async (): Promise<Ack> => {
        await pause(1);
        return "done";
      };
      const [a, b] = [await listen(topic, "app", slow), await listen(topic, "app", slow)];
      const texts = Array.from({ length: 100 }, (_, i) => String(i));
      for (const text of texts) await publish(topic, text);
      await eventually(() => a.texts.length + b.texts.length >= texts.length, {
        what: "all messages",
      });
      await quiet();
      expect([...a.texts, ...b.texts].toSorted()).toEqual(texts.toSorted());
      expect(a.texts.length).toBeGreaterThan(0);
      expect(b.texts.length).toBeGreaterThan(0);
    });
    test("subscribe ends with its signal, and the others go on", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const [gone, stays] = [await listen(topic, "gone"), await listen(topic, "stays")];
      await publish(topic, "1");
      await Promise.all([gets(gone, 1), gets(stays, 1)]);
      gone.stop();
      await quiet();
      await publish(topic, "2");
      await gets(stays, 2);
      await quiet();
      expect(gone.texts).toEqual(["1"]);
    });
    test("subscribe does not start for a signal that has fired", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      let count = 0;
      const deliver: Deliver = async (messages) => {
        count += messages.length;
        return messages.map(() => "done");
      };
      const subscription = { topic, consumerId: "app", metadata: noMetadata };
      await Promise.allSettled([
        broker.subscribe?.(subscription, deliver, { signal: AbortSignal.abort() }),
      ]);
      await publish(topic, "1");
      await quiet();
      expect(count).toBe(0);
    });
    test("subscribe gets what was published while its consumer was away", async (context) => {
      if (!broker.subscribe || !traits.persistent)
        context.skip(`${name} keeps nothing for who is away`);
      const topic = newTopic();
      const before = await listen(topic, "app");
      await publish(topic, "1");
      await gets(before, 1);
      before.stop();
      await quiet();
      await publish(topic, "2", "3");
      const after = await listen(topic, "app");
      await gets(after, 2);
      expect(after.texts.toSorted()).toEqual(["2", "3"]);
    });
    test("subscribe gets what its predecessor did not acknowledge", async (context) => {
      if (!broker.subscribe || !traits.persistent)
        context.skip(`${name} keeps nothing for who is away`);
      const topic = newTopic();
      const before = await listen(topic, "app", () => "retry");
      await publish(topic, "1");
      await gets(before, 1);
      before.stop();
      const after = await listen(topic, "app");
      await untilRedelivered(() => after.texts.includes("1"));
      expect(after.texts).toContain("1");
    });
    test("subscribe lets a delivery end that is under way when its signal fires", async (context) => {
      if (!broker.subscribe || !traits.persistent)
        context.skip(`${name} keeps nothing for who is away`);
      const topic = newTopic();
      let finish = (): void => {};
      const before = await listen(
        topic,
        "app",
        () => new Promise((resolve) => (finish = () => resolve("done"))),
      );
      await publish(topic, "1");
      await gets(before, 1);
      before.stop();
      finish();
      await quiet();
      const after = await listen(topic, "app");
      await quiet();
      expect(after.texts).toEqual([]);
    });
  });

  describe("acknowledgement", () => {
    test.for(["done", "drop"] as const)(
      "deliver answered with %s is the last one",
      async (ack, context) => {
        if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
        const topic = newTopic();
        const received = await listen(topic, "app", () => ack);
        await publish(topic, "1");
        await gets(received, 1);
        await quiet();
        expect(received.texts).toEqual(["1"]);
      },
    );
    test("deliver answered with retry comes again until it is done, and the others do not wait", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const received = await listen(topic, "app", (text, attempt) =>
        text === "bad" && attempt < 3 ? "retry" : "done",
      );
      await publish(topic, "bad", "good");
      await eventually(() => received.texts.includes("good"));
      expect(received.texts.filter((text) => text === "bad")).toHaveLength(1);
      await untilRedelivered(() => received.texts.filter((text) => text === "bad").length >= 3);
      await quiet();
      expect(received.texts.filter((text) => text === "bad")).toHaveLength(3);
      expect(received.texts.filter((text) => text === "good")).toHaveLength(1);
    });
    test("deliver answers for each message of a batch", async (context) => {
      if (!broker.subscribe) context.skip(`${name} does not deliver by itself`);
      const topic = newTopic();
      const bulk = { maxMessagesCount: 5, maxAwaitDurationMs: 50 };
      const received = await listen(
        topic,
        "app",
        (text, attempt) => (text === "3" && attempt === 1 ? "retry" : "done"),
        bulk,
      );
      const texts = Array.from({ length: 20 }, (_, i) => String(i));
      await publish(topic, ...texts);
      await gets(received, texts.length);
      expect(Math.max(...received.batches)).toBeLessThanOrEqual(5);
      await untilRedelivered(() => received.texts.filter((text) => text === "3").length === 2);
      await quiet();
      expect(received.texts).toHaveLength(texts.length + 1);
    });
  });

  describe("wildcards", () => {
    test("subscribe with a star at the end gets every topic that goes on from there", async (context) => {
      if (!broker.subscribe || !broker.features.includes("SUBSCRIBE_WILDCARDS"))
        context.skip(`${name} has no wildcards`);
      const base = newTopic();
      const received = await listen(`${base}*`, "app");
      await publish(`${base}-a`, "a");
      await publish(`${base}.b/c`, "b");
      await publish(`other-${base}`, "no");
      await gets(received, 2);
      await quiet();
      expect(received.texts.toSorted()).toEqual(["a", "b"]);
    });
  });

  describe("end", () => {
    test("publish and subscribe fail once the broker is closed", async () => {
      const closing = await open();
      const topic = newTopic();
      const controller = new AbortController();
      const subscription = { topic, consumerId: "app", metadata: noMetadata };
      await closing.subscribe?.(
        subscription,
        async (messages) => messages.map(() => "done"),
        controller,
      );
      await closing[Symbol.asyncDispose]();
      const [outcome] = await Promise.allSettled([
        closing.publish(topic, [{ data: "1", metadata: noMetadata }], options),
      ]);
      const failure: unknown = outcome?.status === "rejected" ? outcome.reason : outcome?.value[0];
      expect(ComponentError.is(failure) && failure.kind).toBe("unavailable");
      const [again] = await Promise.allSettled([
        closing.subscribe?.(subscription, async () => [], controller),
      ]);
      expect(again?.status).toBe(closing.subscribe ? "rejected" : "fulfilled");
      await closing[Symbol.asyncDispose]();
    });
    test("ping answers", async (context) => {
      if (!broker.ping) context.skip(`${name} has no ping`);
      await expect(broker.ping?.(options)).resolves.toBeUndefined();
    });
  });
}

const encoder = new TextEncoder();
function bytesOf({ data }: Message): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
}
function textOf(message: Message): string {
  return new TextDecoder().decode(bytesOf(message));
}
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
