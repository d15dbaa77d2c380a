import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { type Cell, describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";
import type { SeenRequest } from "#test/support/recording-app.ts";

interface Delivery {
  readonly seen: SeenRequest;
  readonly event: Readonly<Record<string, unknown>>;
}
/** What the app got on its subscription. */
async function deliveries(cell: Cell): Promise<readonly Delivery[]> {
  const seen = await cell.appSaw("/on-order");
  return seen.map((request) => ({ seen: request, event: JSON.parse(request.body) }));
}

describeCell("pubsub", (cell) => {
  /** The delivery whose CloudEvent has that data. */
  const delivered = (fits: (event: Delivery["event"]) => boolean): Promise<Delivery> =>
    eventually(async () => (await deliveries(cell())).find(({ event }) => fits(event)), {
      withinMs: 10_000,
      what: "the delivery",
    });

  test("pubsub.publish reaches the app's subscription as a CloudEvent", async () => {
    const order = crypto.randomUUID();
    await cell().api.publish("pubsub", "orders", {
      data: JSON.stringify({ order }),
      contentType: "application/json",
    });
    const { seen, event } = await delivered(
      ({ data }) => (data as { order?: string }).order === order,
    );
    expect(seen.method).toBe("POST");
    expect(seen.headers["content-type"]).toBe("application/cloudevents+json");
    expect(seen.headers["pubsubname"]).toBe("pubsub");
    expect(event).toMatchObject({
      datacontenttype: "application/json",
      pubsubname: "pubsub",
      source: "orders",
      specversion: "1.0",
      topic: "orders",
      type: "com.dapr.event.sent",
      data: { order },
    });
    expect(event["id"]).toMatch(/^[\da-f-]{36}$/);
  });
  test("pubsub.publish keeps text as text and CloudEvent fields as they were given", async () => {
    const data = `text-${crypto.randomUUID()}`;
    await cell().api.publish("pubsub", "orders", {
      data,
      contentType: "text/plain",
      metadata: { "cloudevent.id": "given" },
    });
    const { event } = await delivered((each) => each["data"] === data);
    expect(event).toMatchObject({ id: "given", datacontenttype: "text/plain" });
  });
  test("pubsub.publish takes an event that is a CloudEvent already", async () => {
    const id = crypto.randomUUID();
    const given = { id, source: "elsewhere", type: "mine", specversion: "1.0", data: "hello" };
    await cell().api.publish("pubsub", "orders", {
      data: JSON.stringify(given),
      contentType: "application/cloudevents+json",
    });
    const { event } = await delivered((each) => each["id"] === id);
    expect(event).toMatchObject({ ...given, topic: "orders", pubsubname: "pubsub" });
  });
  test("pubsub.publish delivers every message of a burst once the app takes them", async () => {
    const burst = crypto.randomUUID();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        cell().api.publish("pubsub", "orders", {
          data: JSON.stringify({ burst, n }),
          contentType: "application/json",
        }),
      ),
    );
    await eventually(
      async () => {
        const seen = (await deliveries(cell())).map(
          ({ event }) => event["data"] as { burst?: string; n?: number },
        );
        const numbers = new Set(seen.filter((data) => data?.burst === burst).map(({ n }) => n));
        return numbers.size === 20;
      },
      { withinMs: 10_000, what: "the burst" },
    );
  });
  test("pubsub.bulk_publish delivers each entry", async () => {
    const bulk = crypto.randomUUID();
    await cell().api.bulkPublish("pubsub", "orders", { 1: `${bulk}-one`, 2: `${bulk}-two` });
    for (const entry of ["one", "two"]) {
      const { event } = await delivered(({ data }) => data === `${bulk}-${entry}`);
      expect(event["datacontenttype"]).toBe("text/plain");
    }
  });
  test("pubsub.publish refuses a component that is not there", async () => {
    await expect(
      cell().api.publish("nope", "orders", { data: "{}", contentType: "application/json" }),
    ).rejects.toMatchObject(refusal("PUBSUB_NOT_FOUND", "pubsub nope is not found"));
  });
  test("pubsub.publish refuses metadata that it cannot read", async () => {
    await expect(
      cell().api.publish("pubsub", "orders", {
        data: "x",
        contentType: "text/plain",
        metadata: { rawPayload: "perhaps" },
      }),
    ).rejects.toMatchObject(
      refusal(
        "PUBSUB_BAD_METADATA",
        "failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is 'perhaps'",
      ),
    );
  });

  onlyOver("http", () => {
    test("pubsub.publish answers 204", async () => {
      const answer = await cell().fetch("/v1.0/publish/pubsub/orders", {
        method: "POST",
        body: "x",
      });
      expect([answer.status, await answer.text()]).toEqual([204, ""]);
    });
  });
});
