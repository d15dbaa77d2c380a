import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";

const store = "statestore";
const why = (short: string): string => `the app's budget is used up: ${short}`;

describeCell(
  "budgets",
  (cell) => {
    test("budgets.calls refuses more calls at once than the app may make, until one has ended", async () => {
      const query = `name=${crypto.randomUUID()}`;
      const hold = () => cell().api.invoke("orders", "hold", { query });
      const held = [hold(), hold()];
      await eventually(async () => (await cell().appSaw(`/hold?${query}`)).length === 2);
      await expect(cell().api.getState(store, "key")).rejects.toMatchObject(
        refusal("BUDGET_OF_CALLS", why("concurrent calls")),
      );
      await expect(hold()).rejects.toMatchObject(
        refusal("BUDGET_OF_CALLS", why("concurrent calls")),
      );
      // What shows how the app is must be seen all the more.
      expect((await cell().api.getMetadata()).id).toBe("orders");
      await cell().askApp(`/release?${query}`);
      expect((await Promise.all(held)).map(({ body }) => body)).toEqual(["released", "released"]);
      expect(await cell().api.getState(store, "key")).toBeUndefined();
      expect(await cell().appSaw(`/hold?${query}`)).toHaveLength(2);
    });
    test("budgets.bytes refuses a body that is larger than what the app may have under way", async () => {
      const key = crypto.randomUUID();
      const save = (length: number) =>
        cell().api.saveState(store, { key, value: "x".repeat(length) });
      await save(500);
      await expect(save(2000)).rejects.toMatchObject(refusal("BUDGET_OF_BYTES", why("body bytes")));
      expect((await cell().api.getState(store, key))?.value).toBe("x".repeat(500));
    });

    onlyOver("http", () => {
      test("budgets.bytes says when to try again", async () => {
        const answer = await cell().fetch(`/v1.0/state/${store}`, {
          method: "POST",
          body: JSON.stringify([{ key: "k", value: "x".repeat(2000) }]),
        });
        expect([answer.status, answer.headers.get("retry-after")]).toEqual([413, "1"]);
      });
    });
    onlyOver("grpc", () => {
      test("budgets.streams refuses a stream where as many are open as may be", async () => {
        // Not at the top, for workerd has no gRPC.
        const { subscriptionStream } = await import("#test/support/subscription-stream.ts");
        const open = () => {
          const stream = subscriptionStream(cell().grpc().client);
          stream.subscribe("pubsub", "streamed");
          return stream;
        };
        const first = open();
        await first.started();
        const refused = { code: 8, details: why("open streams") };
        expect(await open().ended).toEqual(refused);
        first.hangUp();
        await first.ended;
        const next = open();
        await next.started();
        next.cancel();
      });
    });
  },
  {
    settings: {
      OUTRIGGER_BUDGET_MAX_CONCURRENT_CALLS: "2",
      OUTRIGGER_BUDGET_MAX_BODY_BYTES_IN_FLIGHT: "1000",
      OUTRIGGER_BUDGET_MAX_OPEN_STREAMS: "1",
    },
  },
);
