import { describe, expect, test } from "vitest";
import { pubsub } from "#components/cloudflare-queues/manifest.ts";
import { producerBinding, topicsByQueue } from "#components/cloudflare-queues/queue-names.ts";
import type { Host } from "#core/ports/manifest.ts";
import type { PubSub } from "#core/ports/pub-sub.ts";

const options = { signal: new AbortController().signal };
interface Sent {
  readonly body: unknown;
  readonly contentType: string;
}
/** A producer binding that keeps what it is given, call by call. */
function producer(fail = false): {
  readonly calls: Sent[][];
  send(body: unknown, o: { contentType: string }): Promise<void>;
  sendBatch(all: Sent[]): Promise<void>;
} {
  const calls: Sent[][] = [];
  const take = async (sent: Sent[]): Promise<void> => {
    if (fail) throw new Error("Queue is down");
    calls.push(sent);
  };
  return { calls, send: (body, { contentType }) => take([{ body, contentType }]), sendBatch: take };
}
const open = (bindings: Readonly<Record<string, unknown>>, queues = ""): Promise<PubSub> =>
  pubsub.open({ name: "pubsub", namespace: "", metadata: { queues } }, {
    binding: (name) => bindings[name],
  } as Host);
const texts = (...data: string[]) => data.map((text) => ({ data: text, metadata: {} }));

describe("pubsub.cloudflare.queues", () => {
  test("publish sends to the topic's binding, text as text and bytes as bytes", async () => {
    const TOPIC_NEW_ORDERS = producer();
    const port = await open({ TOPIC_NEW_ORDERS });
    expect(await port.publish("new-orders", texts("{}"), options)).toEqual([undefined]);
    const bytes = Uint8Array.of(1, 2);
    await port.publish("new-orders", [{ data: bytes, metadata: {} }], options);
    expect(TOPIC_NEW_ORDERS.calls).toEqual([
      [{ body: "{}", contentType: "text" }],
      [{ body: bytes, contentType: "bytes" }],
    ]);
  });
  test("publish sends many at once, at most 100 and 256 KB", async () => {
    const TOPIC_T = producer();
    const port = await open({ TOPIC_T });
    expect(
      await port.publish("t", texts(...Array.from({ length: 250 }, () => "x")), options),
    ).toHaveLength(250);
    expect(TOPIC_T.calls.map(({ length }) => length)).toEqual([100, 100, 50]);
    TOPIC_T.calls.length = 0;
    await port.publish(
      "t",
      texts("a".repeat(100_000), "b".repeat(100_000), "c".repeat(100_000)),
      options,
    );
    expect(TOPIC_T.calls.map(({ length }) => length)).toEqual([2, 1]);
  });
  test("publish refuses what is too large, and sends the rest", async () => {
    const TOPIC_T = producer();
    const port = await open({ TOPIC_T });
    const [first, second, third] = await port.publish(
      "t",
      texts("ok", "ü".repeat(65_000), "fine"),
      options,
    );
    expect([first, third]).toEqual([undefined, undefined]);
    expect(second?.message).toContain("larger than");
    expect(TOPIC_T.calls.flat().map(({ body }) => body)).toEqual(["ok", "fine"]);
  });
  test("publish tells the failure of the queue for each message it had", async () => {
    const port = await open({ TOPIC_T: producer(true) });
    const failures = await port.publish("t", texts("a", "b"), options);
    expect(failures.map((failure) => failure?.message)).toEqual(["Queue is down", "Queue is down"]);
  });
  test("publish says which binding is missing", async () => {
    const port = await open({});
    await expect(port.publish("new.orders", texts("a"), options)).rejects.toThrow(
      'no producer binding "TOPIC_NEW_ORDERS"',
    );
  });
  test("open refuses an option that is not a list of pairs", async () => {
    await expect(open({}, "orders")).rejects.toThrow("queues must be like");
  });
  test("queues have their topic's name, or the one the option gives", () => {
    expect(producerBinding("a/b.c")).toBe("TOPIC_A_B_C");
    expect([...topicsByQueue(" a = prod-a ,b=prod-b")]).toEqual([
      ["prod-a", "a"],
      ["prod-b", "b"],
    ]);
  });
});
