import { expect, test } from "vitest";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";

describeCell("metadata", (cell) => {
  test("metadata.get lists the app, its components and its subscriptions", async () => {
    const metadata = await cell().api.getMetadata();
    expect(metadata.id).toBe("orders");
    expect(
      metadata.components.map(({ name, type }) => `${type.split(".", 1)[0]} ${name}`).sort(),
    ).toEqual([
      "bindings alarm",
      "bindings fragile",
      "bindings impatient",
      "bindings persistent",
      "bindings web",
      "conversation echo",
      "crypto vault",
      "pubsub pubsub",
      "secretstores secrets",
      "state statestore",
    ]);
    const store = metadata.components.find(({ name }) => name === "statestore");
    expect(store?.capabilities).toEqual(
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
  test("metadata.get says what each binding is for", async () => {
    const { components } = await cell().api.getMetadata();
    const of = (wanted: string) => components.find(({ name }) => name === wanted)?.capabilities;
    expect(of("alarm")).toEqual(["INPUT_BINDING"]);
    expect(of("web")).toEqual(["OUTPUT_BINDING"]);
  });
  test("metadata.get lists the endpoints of the app", async () => {
    const { httpEndpoints } = await cell().api.getMetadata();
    expect(httpEndpoints?.map(({ name }) => name).sort()).toEqual([
      "downstream",
      "fragile-downstream",
    ]);
  });
  test("metadata.set keeps a label", async () => {
    await cell().api.setMetadata("label", "blue");
    expect((await cell().api.getMetadata()).extended["label"]).toBe("blue");
  });

  onlyOver("http", () => {
    test("metadata.get answers JSON, and metadata.set 204", async () => {
      const got = await cell().fetch("/v1.0/metadata");
      expect(got.status).toBe(200);
      expect(got.headers.get("content-type")).toMatch(/^application\/json/);
      const set = await cell().fetch("/v1.0/metadata/other", { method: "PUT", body: "red" });
      expect([set.status, await set.text()]).toEqual([204, ""]);
    });
  });
});
