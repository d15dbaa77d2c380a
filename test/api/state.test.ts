import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";

const store = "statestore";
let keys = 0;
const freshKey = (): string => `key-${keys++}-${crypto.randomUUID()}`;

describeCell("state", (cell) => {
  const valueOf = async (key: string): Promise<unknown> =>
    (await cell().api.getState(store, key))?.value;

  test("state.set keeps JSON as it came, and state.get gives it back with an etag", async () => {
    const key = freshKey();
    const value = { n: 1, text: "Größe \u{1F600}", list: [1, 2.5, null] };
    await cell().api.saveState(store, { key, value });
    expect(await cell().api.getState(store, key)).toEqual({
      value,
      etag: expect.stringMatching(/./),
      ttlExpireTime: undefined,
    });
  });
  test("state.get answers nothing for a key that is not there", async () => {
    expect(await cell().api.getState(store, freshKey())).toBeUndefined();
  });
  test("state.set takes the etag of the value, and refuses a stale one", async () => {
    const key = freshKey();
    await cell().api.saveState(store, { key, value: 1 });
    const etag = (await cell().api.getState(store, key))?.etag;
    await cell().api.saveState(store, { key, value: 2, etag });
    await expect(cell().api.saveState(store, { key, value: 3, etag })).rejects.toMatchObject(
      refusal(
        "STATE_SAVE_CONFLICT",
        /^failed saving state in state store statestore: possible etag mismatch/,
      ),
    );
    expect(await valueOf(key)).toBe(2);
  });
  test("state.set with first-write and no etag only inserts", async () => {
    const item = { key: freshKey(), value: 1, isFirstWrite: true };
    await cell().api.saveState(store, item);
    await expect(cell().api.saveState(store, { ...item, value: 2 })).rejects.toMatchObject(
      refusal("STATE_SAVE_CONFLICT", /^failed saving state in state store statestore: /),
    );
    expect(await valueOf(item.key)).toBe(1);
  });
  test("state.set with a ttl shows when the value expires, and it does", async () => {
    const key = freshKey();
    await cell().api.saveState(store, { key, value: 1, metadata: { ttlInSeconds: "1" } });
    const { ttlExpireTime } = (await cell().api.getState(store, key)) ?? {};
    expect(ttlExpireTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await eventually(async () => (await cell().api.getState(store, key)) === undefined, {
      what: "the value to expire",
    });
  });
  test("state.set refuses a key that could be another app's", async () => {
    await expect(cell().api.saveState(store, { key: "a||b", value: 1 })).rejects.toMatchObject(
      refusal("STATE_ILLEGAL_KEY", {
        http: "api error: code = InvalidArgument desc = input key/keyPrefix 'a||b' can't contain '||'",
        grpc: "input key/keyPrefix 'a||b' can't contain '||'",
      }),
    );
  });
  test("state.delete removes, and obeys the etag", async () => {
    const key = freshKey();
    await cell().api.saveState(store, { key, value: 1 });
    await expect(cell().api.deleteState(store, key, "no-etag-of-it")).rejects.toMatchObject(
      refusal(
        "STATE_DELETE_CONFLICT",
        new RegExp(`^failed deleting state with key ${key}: possible etag mismatch`),
      ),
    );
    expect(await valueOf(key)).toBe(1);
    await cell().api.deleteState(store, key);
    expect(await cell().api.getState(store, key)).toBeUndefined();
  });
  test("state.bulk_get answers each key in order", async () => {
    const [a, b, missing] = [freshKey(), freshKey(), freshKey()];
    await cell().api.saveState(store, { key: a, value: "A" }, { key: b, value: { b: true } });
    expect(await cell().api.getBulkState(store, [a, missing, b])).toEqual([
      { key: a, value: "A" },
      { key: missing, value: undefined },
      { key: b, value: { b: true } },
    ]);
  });
  test("state.transaction changes all or nothing", async () => {
    const [a, b] = [freshKey(), freshKey()];
    await cell().api.saveState(store, { key: b, value: "old" });
    await cell().api.transactState(store, [
      { operation: "upsert", request: { key: a, value: 1 } },
      { operation: "delete", request: { key: b } },
    ]);
    expect([await valueOf(a), await valueOf(b)]).toEqual([1, undefined]);
    await expect(
      cell().api.transactState(store, [
        { operation: "upsert", request: { key: b, value: "new" } },
        { operation: "upsert", request: { key: a, value: 2, etag: "no-etag-of-it" } },
      ]),
    ).rejects.toMatchObject(
      refusal(
        "STATE_TRANSACTION_FAILED",
        /^error while executing state transaction: possible etag mismatch/,
      ),
    );
    expect([await valueOf(a), await valueOf(b)]).toEqual([1, undefined]);
  });
  test("state.transaction refuses an operation that it does not know", async () => {
    const operations = [{ operation: "increase", request: { key: freshKey(), value: 1 } }];
    await expect(cell().api.transactState(store, operations)).rejects.toMatchObject(
      refusal("STATE_UNKNOWN_OPERATION", "operation type increase not supported"),
    );
  });
  test("state.get, state.set and state.transaction refuse a store that is not there", async () => {
    const refused = refusal("STATE_STORE_NOT_FOUND", "state store nope is not found");
    await expect(cell().api.getState("nope", "key")).rejects.toMatchObject(refused);
    await expect(cell().api.saveState("nope", { key: "key" })).rejects.toMatchObject(refused);
    await expect(cell().api.transactState("nope", [])).rejects.toMatchObject(refused);
  });

  onlyOver("http", () => {
    test("state.set answers 204, state.get 200 with JSON, and 204 without a value", async () => {
      const key = freshKey();
      const set = await cell().fetch(`/v1.0/state/${store}`, {
        method: "POST",
        body: JSON.stringify([{ key, value: 1 }]),
      });
      expect([set.status, await set.text()]).toEqual([204, ""]);
      const got = await cell().fetch(`/v1.0/state/${store}/${key}`);
      expect([got.status, got.headers.get("content-type")]).toEqual([200, "application/json"]);
      const missing = await cell().fetch(`/v1.0/state/${store}/${freshKey()}`);
      expect([missing.status, await missing.text()]).toEqual([204, ""]);
    });
    test("state.set refuses a body that is not a JSON list", async () => {
      const answer = await cell().fetch(`/v1.0/state/${store}`, { method: "POST", body: "{" });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errorCode: "ERR_MALFORMED_REQUEST" });
    });
  });
  onlyOver("grpc", () => {
    test("state.set keeps bytes that are not JSON", async () => {
      const key = freshKey();
      const value = Uint8Array.of(0, 255, 10, 34);
      await cell()
        .grpc()
        .unary("SaveState", { storeName: store, states: [{ key, value }] });
      const { response } = await cell().grpc().unary("GetState", { storeName: store, key });
      expect([...response.data]).toEqual([...value]);
    });
    test("state.bulk_delete removes each key", async () => {
      const [a, b] = [freshKey(), freshKey()];
      await cell().api.saveState(store, { key: a, value: 1 }, { key: b, value: 2 });
      const states = [{ key: a }, { key: b }];
      const { code } = await cell().grpc().unary("DeleteBulkState", { storeName: store, states });
      expect(code).toBe(0);
      expect([await valueOf(a), await valueOf(b)]).toEqual([undefined, undefined]);
    });
  });
});
