import { expect, test } from "vitest";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";

describeCell("health", (cell) => {
  onlyOver("http", () => {
    test("health.get answers 204 once the app was asked for its subscriptions", async () => {
      const answer = await cell().fetch("/v1.0/healthz");
      expect(answer.status).toBe(204);
      expect(await answer.text()).toBe("");
      expect(await cell().appSaw("/dapr/subscribe")).toHaveLength(1);
    });
    test("health.get refuses the id of another app", async () => {
      expect((await cell().fetch("/v1.0/healthz?appid=orders")).status).toBe(204);
      const answer = await cell().fetch("/v1.0/healthz?appid=other");
      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({ errorCode: "ERR_HEALTH_APPID_NOT_MATCH" });
    });
    test("health.outbound answers 204", async () => {
      expect((await cell().fetch("/v1.0/healthz/outbound")).status).toBe(204);
    });
  });
});
