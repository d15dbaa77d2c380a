import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";

const store = "settings";

describeCell(
  "configuration",
  (cell) => {
    test("configuration.get gives the items that were asked for, with their versions", async () => {
      await cell().setConfiguration("color", "red||v1");
      await cell().setConfiguration("size", "7");
      const { api } = cell();
      expect(await api.getConfiguration(store, ["color", "none"])).toEqual({
        color: { value: "red", version: "v1" },
      });
      expect(await api.getConfiguration(store, ["size"])).toEqual({ size: { value: "7" } });
    });
    test("configuration.get without keys gives all items", async () => {
      await cell().setConfiguration("shape", "round||v3");
      const all = await cell().api.getConfiguration(store, []);
      expect(all["shape"]).toEqual({ value: "round", version: "v3" });
      expect(await cell().api.getConfiguration(store, Object.keys(all))).toEqual(all);
    });
    test("configuration.get gives nothing where nothing is", async () => {
      expect(await cell().api.getConfiguration(store, ["none"])).toEqual({});
    });
    test("configuration.get and configuration.subscribe refuse a store that is not there", async () => {
      const { api } = cell();
      const refused = refusal(
        "CONFIGURATION_STORE_NOT_FOUND",
        "configuration store nope not found",
      );
      await expect(api.getConfiguration("nope", [])).rejects.toMatchObject(refused);
      await expect(api.subscribeConfiguration("nope", ["a"])).rejects.toMatchObject(refused);
    });
    test("configuration.subscribe reports each change of its keys, and of no others", async () => {
      const { api } = cell();
      const subscription = await api.subscribeConfiguration(store, ["weight"]);
      expect(subscription.id).toMatch(/^[\da-f-]{36}$/);
      await cell().setConfiguration("height", "1");
      await cell().setConfiguration("weight", "2||v1");
      await eventually(async () => (await subscription.updates()).length === 1);
      await cell().setConfiguration("weight", "3||v2");
      await eventually(async () => (await subscription.updates()).length === 2);
      expect(await subscription.updates()).toEqual([
        { weight: { value: "2", version: "v1" } },
        { weight: { value: "3", version: "v2" } },
      ]);
    });
    test("configuration.unsubscribe ends that subscription, and no other", async () => {
      const { api } = cell();
      const ended = await api.subscribeConfiguration(store, ["depth"]);
      const other = await api.subscribeConfiguration(store, ["depth"]);
      expect(await api.unsubscribeConfiguration(store, ended.id)).toBe(true);
      await cell().setConfiguration("depth", "1");
      await eventually(async () => (await other.updates()).length === 1);
      expect(await ended.updates()).toEqual([]);
    });

    onlyOver("http", () => {
      test("configuration.get answers 204 where nothing is", async () => {
        const answer = await cell().fetch(`/v1.0/configuration/${store}?key=none`);
        expect([answer.status, await answer.text()]).toEqual([204, ""]);
      });
      test("configuration.unsubscribe of nothing answers 500 without an error code", async () => {
        const answer = await cell().fetch(`/v1.0/configuration/${store}/none/unsubscribe`);
        expect(answer.status).toBe(500);
        expect(await answer.json()).toEqual({
          message:
            "failed to unsubscribe to configuration request none: subscription with id none does not exist",
        });
      });
    });
    onlyOver("grpc", () => {
      test("configuration.unsubscribe of nothing says so, and is no error", async () => {
        const request = { storeName: store, id: "none" };
        const { code, response } = await cell().grpc().unary("UnsubscribeConfiguration", request);
        expect(code).toBe(0);
        expect(response).toMatchObject({
          ok: false,
          message:
            "failed to unsubscribe to configuration request none: subscription does not exist",
        });
      });
    });
  },
  { redis: true },
);
