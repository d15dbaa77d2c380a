import { describe, expect, onTestFinished, test } from "vitest";
import { mostMessages, mostPayload } from "#components/in-memory/group.ts";
import { pubsub } from "#components/in-memory/manifest.ts";
import type { Ack, Message, PubSub } from "#core/ports/pub-sub.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";

const options = { signal: new AbortController().signal };
const message = (data: string): Message => ({ data, metadata: {} });

async function opened(
  metadata: Readonly<Record<string, string>> = {},
  host = testHost(),
): Promise<PubSub> {
  const broker = await openComponent(pubsub, metadata, host);
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}

describe("pubsub.in-memory", () => {
  test("publish fails once too many messages wait, reaches nobody then, and goes on when there is room", async () => {
    const broker = await opened();
    const counts = { slow: 0, quick: 0 };
    let finish = (): void => {};
    const held = new Promise<void>((resolve) => (finish = resolve));
    const subscription = { topic: "t", metadata: {} };
    await broker.subscribe?.(
      { ...subscription, consumerId: "slow" },
      async (messages) => {
        counts.slow += messages.length;
        await held;
        return messages.map(() => "done");
      },
      options,
    );
    await broker.subscribe?.(
      {
        ...subscription,
        consumerId: "quick",
        bulk: { maxMessagesCount: 1000, maxAwaitDurationMs: 0 },
      },
      async (messages) => {
        counts.quick += messages.length;
        return messages.map(() => "done");
      },
      options,
    );
    const many = Array.from({ length: mostMessages }, () => message("x"));
    expect(
      (await broker.publish("t", many, options)).every((failure) => failure === undefined),
    ).toBe(true);
    expect(await broker.publish("t", [message("one more")], options)).toMatchObject([
      { kind: "unavailable" },
    ]);
    expect(await broker.publish("other", [message("x")], options)).toEqual([undefined]);
    finish();
    await expect.poll(() => counts).toEqual({ slow: mostMessages, quick: mostMessages });
    expect(await broker.publish("t", [message("x")], options)).toEqual([undefined]);
  });
  test("streams of one consumer get every message each, its other subscriptions share one copy", async () => {
    const broker = await opened();
    const seen: string[] = [];
    const listen = async (who: string, isStream: boolean, { signal } = options): Promise<void> =>
      broker.subscribe?.(
        { topic: "t", consumerId: "app", metadata: {}, ...(isStream ? { isStream } : {}) },
        async (messages) => {
          for (const { data } of messages) seen.push(`${who} ${String(data)}`);
          return messages.map(() => "done");
        },
        { signal },
      );
    const leaving = new AbortController();
    await listen("stream 1", true);
    await listen("stream 2", true, leaving);
    await listen("app", false);
    await listen("app", false);
    await broker.publish("t", [message("a")], options);
    await expect.poll(() => seen.toSorted()).toEqual(["app a", "stream 1 a", "stream 2 a"]);
    leaving.abort();
    await broker.publish("t", [message("b")], options);
    await expect.poll(() => seen.slice(3).toSorted()).toEqual(["app b", "stream 1 b"]);
  });
  test("publish fails once too many bytes wait", async () => {
    const broker = await opened();
    const subscription = { topic: "t", consumerId: "app", metadata: {} };
    await broker.subscribe?.(subscription, () => new Promise<Ack[]>(() => {}), options);
    const large = { data: new Uint8Array(mostPayload / 4), metadata: {} };
    const results = await broker.publish("t", [large, large, large, large, large], options);
    expect(results.map((failure) => failure === undefined)).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });
  test("deliver answered with retry is the last one where no redeliverInterval says otherwise", async () => {
    const clock = fakeClock();
    const broker = await opened({}, testHost({ clock }));
    let count = 0;
    const subscription = { topic: "t", consumerId: "app", metadata: {} };
    await broker.subscribe?.(subscription, async () => (count++, ["retry"]), options);
    await broker.publish("t", [message("x")], options);
    await clock.advance(3_600_000);
    expect(count).toBe(1);
    expect(clock.sleepers).toBe(0);
  });
  test("deliver that throws comes again, and the log says so", async () => {
    const clock = fakeClock();
    const host = testHost({ clock });
    const broker = await opened({ redeliverInterval: "30s" }, host);
    let count = 0;
    const subscription = { topic: "t", consumerId: "app", metadata: {} };
    await broker.subscribe?.(
      subscription,
      async () => {
        if (count++ === 0) throw new Error("broken");
        return ["done"];
      },
      options,
    );
    await broker.publish("t", [message("x")], options);
    await clock.advance(29_999);
    expect(count).toBe(1);
    await clock.advance(1);
    expect(count).toBe(2);
    expect(host.lines).toMatchObject([
      { level: "error", message: "Delivery from topic t failed: broken" },
    ]);
  });
  test("publish does not copy, and does not wait for the delivery", async () => {
    const broker = await opened();
    const got: Message[] = [];
    const subscription = { topic: "t", consumerId: "app", metadata: {} };
    await broker.subscribe?.(
      subscription,
      async (messages) => (got.push(...messages), ["done"]),
      options,
    );
    const sent = { data: new Uint8Array(3), metadata: {} };
    const publishing = broker.publish("t", [sent], options);
    expect(got).toEqual([]);
    await publishing;
    await expect.poll(() => got.length).toBe(1);
    expect(got[0]?.data).toBe(sent.data);
  });
});
