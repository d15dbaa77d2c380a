import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";

describeCell("secrets", (cell) => {
  test("secrets.get gives a secret under its name", async () => {
    expect(await cell().api.getSecret("secrets", "API_KEY")).toEqual({ API_KEY: "s3cret" });
    expect(await cell().api.getSecret("secrets", "GREETING")).toEqual({ GREETING: "Grüße" });
  });
  test("secrets.get gives an empty text for a variable that is not set", async () => {
    expect(await cell().api.getSecret("secrets", "NOTHING")).toEqual({ NOTHING: "" });
  });
  test("secrets.bulk_get gives all secrets but those that are kept from the app", async () => {
    expect(await cell().api.getBulkSecret("secrets")).toEqual({
      API_KEY: { API_KEY: "s3cret" },
      GREETING: { GREETING: "Grüße" },
    });
  });
  test("secrets.get refuses a secret that is kept from the app", async () => {
    await expect(cell().api.getSecret("secrets", "DENIED")).rejects.toMatchObject(
      refusal("SECRET_DENIED", 'access denied by policy to get "DENIED" from "secrets"'),
    );
  });
  test("secrets.get and secrets.bulk_get refuse a store that is not there", async () => {
    const refused = refusal("SECRET_STORE_NOT_FOUND", "failed finding secret store with key nope");
    await expect(cell().api.getSecret("nope", "API_KEY")).rejects.toMatchObject(refused);
    await expect(cell().api.getBulkSecret("nope")).rejects.toMatchObject(refused);
  });

  onlyOver("http", () => {
    test("secrets.get answers JSON", async () => {
      const answer = await cell().fetch("/v1.0/secrets/secrets/API_KEY");
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
      expect(await answer.text()).toBe('{"API_KEY":"s3cret"}\n');
    });
  });
});
