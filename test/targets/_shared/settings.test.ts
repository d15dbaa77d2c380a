import { expect, test } from "vitest";
import { readSettings, visibleEnv } from "#targets/_shared/settings.ts";

test("readSettings fills in what is not said", () => {
  expect(readSettings({ OUTRIGGER_APP_ID: "orders" })).toEqual({
    appId: "orders",
    namespace: "",
    apiTokens: [],
    allowAnonymous: false,
    resources: [],
    configurations: [],
    maxBodyBytes: 4 * 1024 * 1024,
    metrics: false,
  });
});
test("readSettings reads several tokens and resource texts, in the order of their names", () => {
  const settings = readSettings({
    OUTRIGGER_APP_ID: "orders",
    DAPR_API_TOKEN: "one,two",
    APP_API_TOKEN: "three",
    APP_URL: "https://app.example.com/",
    OUTRIGGER_RESOURCES_2: "second",
    OUTRIGGER_RESOURCES: "first",
    OUTRIGGER_RESOURCES_PATH: "/no-text",
    OUTRIGGER_ALLOW_ANONYMOUS: "yes",
  });
  expect(settings).toMatchObject({
    apiTokens: ["one,two", "one", "two"],
    appToken: "three",
    appUrl: "https://app.example.com",
  });
  expect(settings.resources.map(({ text }) => text)).toEqual(["first", "second"]);
  expect(settings.allowAnonymous).toBe(false);
});
test.each([
  [{}, "OUTRIGGER_APP_ID is not set"],
  [{ OUTRIGGER_APP_ID: "a", APP_URL: "app.example.com" }, "APP_URL must be like"],
  [{ OUTRIGGER_APP_ID: "a", APP_URL: "https://app.example.com/base" }, "APP_URL must be like"],
  [
    { OUTRIGGER_APP_ID: "a", OUTRIGGER_MAX_BODY_BYTES: "4Mi" },
    "OUTRIGGER_MAX_BODY_BYTES must be a whole number",
  ],
])("readSettings refuses %j", (env, message) => {
  expect(() => readSettings(env)).toThrow(message);
});
test("visibleEnv shows texts, but no tokens and no bindings", () => {
  expect(visibleEnv({ A: "1", DAPR_API_TOKEN: "x", APP_API_TOKEN: "y", STATE: {} })).toEqual({
    A: "1",
  });
});
