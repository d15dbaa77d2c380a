import { expect, test } from "vitest";
import { describeCell } from "#test/support/cells.ts";

const store = "/v1.0/state/statestore";
const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
let keys = 0;
const freshKey = (): string => `key-${keys++}-${crypto.randomUUID()}`;

describeCell("state", (cell) => {
  const get = (key: string): Promise<Response> => cell().fetch(`${store}/${key}`);
  const save = async (...items: object[]): Promise<void> => {
    expect((await cell().fetch(store, post(items))).status).toBe(204);
  };

  test("state.set keeps JSON as it came, and state.get gives it back with an etag", async () => {
    const key = freshKey();
    await save({ key, value: { n: 1, text: "Größe \u{1F600}", list: [1, 2.5, null] } });
    const answer = await get(key);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("etag")).toBeTruthy();
    expect(await answer.json()).toEqual({ n: 1, text: "Größe \u{1F600}", list: [1, 2.5, null] });
  });
  test("state.get answers 204 for a key that is not there", async () => {
    const answer = await get(freshKey());
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
  });
  test("state.set refuses a stale etag and leaves the value", async () => {
    const key = freshKey();
    await save({ key, value: 1 });
    const etag = (await get(key)).headers.get("etag");
    await save({ key, value: 2 });
    const answer = await cell().fetch(store, post([{ key, value: 3, etag }]));
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ errorCode: "ERR_STATE_SAVE" });
    expect(await (await get(key)).json()).toBe(2);
  });
  test("state.set with first-write and no etag only inserts", async () => {
    const key = freshKey();
    const item = { key, value: 1, options: { concurrency: "first-write" } };
    await save(item);
    expect((await cell().fetch(store, post([item]))).status).toBe(409);
  });
  test("state.set with a ttl shows when the value expires, and it does", async () => {
    const key = freshKey();
    await save({ key, value: 1, metadata: { ttlInSeconds: "1" } });
    const answer = await get(key);
    expect(answer.headers.get("metadata.ttlexpiretime")).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    );
    for (const deadline = Date.now() + 5000; (await get(key)).status !== 204;) {
      expect(Date.now(), "the value did not expire").toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  test("state.delete removes, and obeys If-Match", async () => {
    const key = freshKey();
    await save({ key, value: 1 });
    const refused = await cell().fetch(`${store}/${key}`, {
      method: "DELETE",
      headers: { "if-match": "no-etag-of-it" },
    });
    expect(refused.status).toBe(409);
    expect((await cell().fetch(`${store}/${key}`, { method: "DELETE" })).status).toBe(204);
    expect((await get(key)).status).toBe(204);
  });
  test("state.bulk_get answers each key in order", async () => {
    const [a, b, missing] = [freshKey(), freshKey(), freshKey()];
    await save({ key: a, value: "A" }, { key: b, value: { b: true } });
    const answer = await cell().fetch(`${store}/bulk`, post({ keys: [a, missing, b] }));
    expect(answer.status).toBe(200);
    const items = (await answer.json()) as ReadonlyArray<{
      readonly key: string;
      readonly data?: unknown;
    }>;
    expect(items.map(({ key, data }) => [key, data])).toEqual([
      [a, "A"],
      [missing, undefined],
      [b, { b: true }],
    ]);
  });
  test("state.transaction changes all or nothing", async () => {
    const [a, b] = [freshKey(), freshKey()];
    await save({ key: b, value: "old" });
    const good = {
      operations: [
        { operation: "upsert", request: { key: a, value: 1 } },
        { operation: "delete", request: { key: b } },
      ],
    };
    expect((await cell().fetch(`${store}/transaction`, post(good))).status).toBe(204);
    expect(await (await get(a)).json()).toBe(1);
    expect((await get(b)).status).toBe(204);
    const bad = {
      operations: [
        { operation: "upsert", request: { key: b, value: "new" } },
        { operation: "upsert", request: { key: a, value: 2, etag: "no-etag-of-it" } },
      ],
    };
    expect((await cell().fetch(`${store}/transaction`, post(bad))).status).toBe(500);
    expect((await get(b)).status).toBe(204);
    expect(await (await get(a)).json()).toBe(1);
  });
  test("state.get of a store that is not there answers 400", async () => {
    const answer = await cell().fetch("/v1.0/state/nope/key");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errorCode: "ERR_STATE_STORE_NOT_FOUND",
      message: "state store nope is not found",
    });
  });
  test("state.set refuses a body that is not a JSON list", async () => {
    const answer = await cell().fetch(store, { method: "POST", body: "{" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errorCode: "ERR_MALFORMED_REQUEST" });
  });
});
