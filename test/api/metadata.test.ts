import { expect, test } from "vitest";
import { describeCell } from "#test/support/cells.ts";

interface MetadataAnswer {
  readonly id: string;
  readonly components: ReadonlyArray<{
    readonly name: string;
    readonly type: string;
    readonly capabilities: readonly string[];
  }>;
  readonly subscriptions: readonly object[];
  readonly extended: Readonly<Record<string, string>>;
}

describeCell("metadata", (cell) => {
  const get = async (): Promise<MetadataAnswer> => {
    const answer = await cell().fetch("/v1.0/metadata");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    return (await answer.json()) as MetadataAnswer;
  };

  test("metadata.get lists the app, its components and its subscriptions", async () => {
    const metadata = await get();
    expect(metadata.id).toBe("orders");
    expect(metadata.components.map(({ name, type }) => [name, type.split(".", 1)[0]])).toEqual([
      ["statestore", "state"],
      ["pubsub", "pubsub"],
      ["vault", "crypto"],
    ]);
    expect(metadata.components[0]?.capabilities).toEqual(
      expect.arrayContaining([
        "ETAG",
        "TRANSACTIONAL",
        "TTL",
        "DELETE_WITH_PREFIX",
        "KEYS_LIKE",
        "ACTOR",
      ]),
    );
    expect(metadata.subscriptions).toMatchObject([
      {
        pubsubname: "pubsub",
        topic: "orders",
        rules: [{ path: "/on-order" }],
        type: "PROGRAMMATIC",
      },
    ]);
  });
  test("metadata.set keeps a label", async () => {
    const answer = await cell().fetch("/v1.0/metadata/label", { method: "PUT", body: "blue" });
    expect(answer.status).toBe(204);
    expect((await get()).extended["label"]).toBe("blue");
  });
});
