import { describe, expect, it } from "vitest";
import { checkOptions } from "#core/resources/check-options.ts";
import { isVisible } from "#core/resources/scopes.ts";
import { resolveValues, type ValueSource } from "#core/resources/values.ts";

const source = (given: Partial<ValueSource> = {}): ValueSource => {
  let count = 0;
  return {
    secret: async (name, key) => (name === "s" && key === "k" ? "hidden" : undefined),
    env: { HOST: "h", SPACED: "x", APP_API_TOKEN: "t", DAPR_X: "d" },
    app: { appId: "shop", namespace: "prod" },
    uuid: () => `uuid-${++count}`,
    ...given,
  };
};

describe("resolveValues", () => {
  it("looks up references and fills in templates", async () => {
    const values = await resolveValues(
      [
        { name: "a", value: "plain {other}" },
        { name: "b", secretKeyRef: { name: "s", key: "k" } },
        { name: "c", envRef: "HOST" },
        { name: "d", value: "{uuid}/{uuid}/{appID}/{namespace}" },
        { name: "e", value: "{podName}" },
      ],
      source({ env: { HOST: "h", POD_NAME: "pod-1" } }),
    );
    expect(values).toEqual({
      a: "plain {other}",
      b: "hidden",
      c: "h",
      d: "uuid-1/uuid-2/shop/prod.shop",
      e: "pod-1",
    });
  });
  it.each([
    [
      { name: "x", secretKeyRef: { name: "s", key: "nope" } },
      'metadata "x": secret "s" has no key "nope"',
    ],
    [{ name: "x", envRef: "ABSENT" }, 'metadata "x": environment variable "ABSENT" is not set'],
    [{ name: "x", envRef: "APP_API_TOKEN" }, "cannot be referred to"],
    [{ name: "x", envRef: "OUTRIGGER_COORDINATION" }, "cannot be referred to"],
    [{ name: "x", envRef: "DAPR_X" }, "cannot be referred to"],
    [{ name: "x", envRef: "A B" }, "cannot be referred to"],
    [{ name: "x", value: "{podName}" }, "needs the environment variable POD_NAME"],
  ])("refuses %j", async (pair, message) => {
    await expect(resolveValues([pair], source())).rejects.toThrow(message);
  });
  it("takes only listed variables where DAPR_ENV_KEYS lists some", async () => {
    const env = { HOST: "h", OTHER: "o", DAPR_ENV_KEYS: "OTHER THIRD" };
    await expect(resolveValues([{ name: "x", envRef: "HOST" }], source({ env }))).rejects.toThrow(
      "cannot be referred to",
    );
    expect(await resolveValues([{ name: "x", envRef: "OTHER" }], source({ env }))).toEqual({
      x: "o",
    });
  });
});

describe("checkOptions", () => {
  const table = {
    redisHost: { type: "string", required: true, about: "host:port" },
    redisDB: { type: "number", about: "database" },
    timeout: { type: "duration", about: "wait" },
    enableTLS: { type: "boolean", about: "TLS" },
  } as const;
  it("warns of names it does not know, with the nearest one, but not of the runtime's own", () => {
    const metadata = { redishost: "a", redisbd: "1", keyprefix: "name", consumerid: "c" };
    expect(checkOptions(table, metadata, ["redisHost", "redisBD", "keyPrefix"])).toEqual([
      'metadata "redisBD" is unknown and has no effect; did you mean "redisDB"?',
    ]);
  });
  it("takes what is not a word for yes for no, as Dapr does, with a warning", () => {
    expect(checkOptions(table, { redishost: "a", enabletls: "perhaps" })).toEqual([
      'metadata "enableTLS" is "perhaps", which means false; make it true or false',
    ]);
    expect(checkOptions(table, { redishost: "a", enabletls: "on" })).toEqual([]);
  });
  it("names the field that was probably meant by one that is missing", () => {
    expect(() => checkOptions(table, { redishostt: "a" }, ["redisHostt"])).toThrow(
      'metadata "redisHost" is missing; expected: host:port; is "redisHostt" a misspelling of it?',
    );
  });
  it.each([
    [{}, 'metadata "redisHost" is missing'],
    [{ redishost: "" }, 'metadata "redisHost" is missing'],
    [{ redishost: "a", redisdb: "x" }, 'metadata "redisDB" is "x"; make it a number'],
    [{ redishost: "a", timeout: "soon" }, 'metadata "timeout" is "soon"; make it a duration'],
  ])("refuses %j", (metadata, message) => {
    expect(() => checkOptions(table, metadata)).toThrow(message);
  });
});

describe("isVisible", () => {
  const head = (scopes: string[], namespace = "") => ({
    name: "x",
    namespace,
    scopes,
    origin: { file: "f", document: 1 },
  });
  it.each([
    [[], "", "", true],
    [["shop"], "", "", true],
    [["sho", "shop2"], "", "", false],
    [[], "prod", "prod", true],
    [[], "prod", "test", false],
    [[], "prod", "", true],
    [[], "", "prod", true],
  ])("scopes %j, document in %j, app in %j: %s", (scopes, namespace, appNamespace, wanted) => {
    expect(isVisible(head(scopes, namespace), { appId: "shop", namespace: appNamespace })).toBe(
      wanted,
    );
  });
});
