import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";
import { suiteSettings } from "#test/support/suite-resources.ts";

const header = "dapr-api-token";
const appToken = suiteSettings["APP_API_TOKEN"];

describeCell(
  "tokens",
  (cell) => {
    const withToken = (token: string) => cell().apiWith({ [header]: token });
    const refused = refusal("TOKEN_REFUSED", { http: "invalid api token", grpc: "Unauthorized" });

    test("tokens.api refuses whoever shows no token, or a wrong one", async () => {
      for (const api of [cell().api, withToken("wrong"), withToken("firs"), withToken("")])
        await expect(api.getMetadata()).rejects.toMatchObject(refused);
    });
    test("tokens.api lets in whoever shows one of the tokens, or the whole setting, as in Dapr", async () => {
      for (const token of ["first", "second", "first,second"])
        expect((await withToken(token).getMetadata()).id).toBe("orders");
    });
    test("tokens.api keeps calls without a token from stores, brokers and the app", async () => {
      const key = crypto.randomUUID();
      const { api } = cell();
      await expect(api.saveState("statestore", { key, value: 1 })).rejects.toMatchObject(refused);
      await expect(
        api.publish("pubsub", "orders", { data: "x", contentType: "text/plain" }),
      ).rejects.toMatchObject(refused);
      await expect(api.invoke("orders", "echo", { query: `call=${key}` })).rejects.toMatchObject(
        refused,
      );
      expect(await withToken("first").getState("statestore", key)).toBeUndefined();
      expect(await cell().appSaw(`/echo?call=${key}`)).toEqual([]);
    });
    test("tokens.app is shown to the app that is invoked, and the caller's never is", async () => {
      const query = `call=${crypto.randomUUID()}`;
      await withToken("first").invoke("orders", "echo", { query, body: "x" });
      const [seen] = await cell().appSaw(`/echo?${query}`);
      expect(seen?.headers[header]).toBe(appToken);
    });
    test("tokens.app is shown to the app that gets a message", async () => {
      const data = crypto.randomUUID();
      await withToken("second").publish("pubsub", "orders", { data, contentType: "text/plain" });
      const delivery = await eventually(
        async () => (await cell().appSaw("/on-order")).find(({ body }) => body.includes(data)),
        { withinMs: 10_000, what: "the delivery" },
      );
      expect(delivery.headers[header]).toBe(appToken);
    });
    test("tokens.app is shown to the app that a binding calls", async () => {
      await cell().fireAlarm();
      const call = await eventually(
        async () => (await cell().appSaw("/alarm")).find(({ method }) => method === "POST"),
        { what: "the event" },
      );
      expect(call.headers[header]).toBe(appToken);
    });
    test("tokens.app goes nowhere but to the app, and neither does the caller's", async () => {
      const path = `echo?call=${crypto.randomUUID()}`;
      await withToken("first").invokeBinding("web", "post", { metadata: { path } });
      const [seen] = await cell().appSaw(`/${path}`);
      expect(seen?.headers).not.toHaveProperty(header);
    });

    onlyOver("http", () => {
      test("tokens.api answers 401, but 204 to those who ask how it is", async () => {
        const answer = await cell().fetch("/v1.0/metadata");
        expect(answer.status).toBe(401);
        expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
        expect(await answer.text()).toBe("invalid api token");
        for (const path of ["/v1.0/healthz", "/v1.0/healthz/outbound"])
          expect((await cell().fetch(path)).status).toBe(204);
      });
    });
  },
  { settings: { DAPR_API_TOKEN: "first,second" } },
);
