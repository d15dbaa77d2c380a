import { expect, test } from "vitest";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";
import type { SeenRequest } from "#test/support/recording-app.ts";

const topic = "/v1.0/publish/pubsub/orders";

describeCell("pubsub", (cell) => {
  const publish = (body: string, contentType: string, path = topic): Promise<Response> =>
    cell().fetch(path, { method: "POST", headers: { "content-type": contentType }, body });
  /** The delivery whose CloudEvent has that data. */
  const delivered = (
    fits: (event: Record<string, unknown>) => boolean,
  ): Promise<{ seen: SeenRequest; event: Record<string, unknown> }> =>
    eventually(
      async () => {
        for (const seen of await cell().appSaw("/on-order")) {
          const event = JSON.parse(seen.body) as Record<string, unknown>;
          if (fits(event)) return { seen, event };
        }
        return undefined;
      },
      { withinMs: 10_000, what: "the delivery" },
    );

  test("pubsub.publish reaches the app's subscription as a CloudEvent", async () => {
    expect((await cell().fetch("/v1.0/healthz")).status).toBe(204);
    const order = crypto.randomUUID();
    const answer = await publish(JSON.stringify({ order }), "application/json");
    expect(answer.status).toBe(204);
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
    expect(event["id"]).toBeTruthy();
  });
  test("pubsub.publish keeps text as text and CloudEvent fields as they were given", async () => {
    const text = `text-${crypto.randomUUID()}`;
    expect(
      (await publish(text, "text/plain", `${topic}?metadata.cloudevent.id=given`)).status,
    ).toBe(204);
    const { event } = await delivered(({ data }) => data === text);
    expect(event).toMatchObject({ id: "given", datacontenttype: "text/plain" });
  });
  test("pubsub.publish delivers every message of a burst once the app takes them", async () => {
    const burst = crypto.randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        publish(JSON.stringify({ burst, n }), "application/json"),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 204));
    await eventually(
      async () => {
        const seen = (await cell().appSaw("/on-order")).map(
          ({ body }) => (JSON.parse(body) as { data: { burst?: string; n?: number } }).data,
        );
        const numbers = new Set(seen.filter((data) => data?.burst === burst).map(({ n }) => n));
        return numbers.size === 20;
      },
      { withinMs: 10_000, what: "the burst" },
    );
  });
  test("pubsub.publish to a component that is not there answers 404", async () => {
    const answer = await publish("{}", "application/json", "/v1.0/publish/nope/orders");
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ errorCode: "ERR_PUBSUB_NOT_FOUND" });
  });
});
