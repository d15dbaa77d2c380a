import { describe, expect, it } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { SecretStore } from "#core/ports/secret-store.ts";
import { secretsHttp } from "#core/blocks/secrets/http.ts";
import { isSecretAllowed } from "#core/blocks/secrets/scope.ts";
import type { SecretScope } from "#core/resources/secret-scope.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { api, type ApiAnswer } from "../../api.ts";

const values: Readonly<Record<string, string>> = {
  FOO: "bar",
  DENIED: "x",
  "a b": "spaced",
  bulk: "hidden",
};
const asked: Metadata[] = [];
const port: SecretStore = {
  get: async (name, metadata) => {
    asked.push(metadata);
    if (name === "BROKEN") throw new ComponentError("rejected", "secret BROKEN not found");
    return Object.hasOwn(values, name) ? { [name]: values[name] as string } : undefined;
  },
  list: async () =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { [name]: value }])),
  [Symbol.asyncDispose]: async () => {},
};
const { list: _, ...unlisted } = port;
const scope: SecretScope = {
  defaultAccess: "allow",
  allowedSecrets: [],
  deniedSecrets: ["DENIED"],
};
const secretApi = (
  scoped: SecretScope | undefined = scope,
): ((path: string) => Promise<ApiAnswer>) => {
  const app = fakeApp({
    components: [
      { kind: "secretstores", name: "env", port },
      { kind: "secretstores", name: "unlisted", port: unlisted },
    ],
    secretScope: (store) => (store === "env" ? scoped : undefined),
  });
  return api(app, [secretsHttp]);
};

describe("secret.get", () => {
  it("answers the pair as JSON with a newline, and hands request metadata on", async () => {
    const answer = await secretApi()("/v1.0/secrets/env/FOO?metadata.version_id=2");
    expect(answer).toMatchObject({ status: 200, text: '{"FOO":"bar"}\n' });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(asked.at(-1)).toEqual({ version_id: "2" });
    expect((await secretApi()("/v1.0/secrets/env/a%20b")).text).toBe('{"a b":"spaced"}\n');
  });
  it("answers 204 where the store has nothing to say", async () => {
    expect(await secretApi()("/v1.0/secrets/env/ABSENT")).toMatchObject({ status: 204, text: "" });
  });
  it("answers 401 for a store that is not there", async () => {
    const answer = await secretApi()("/v1.0/secrets/nope/FOO");
    expect(answer.status).toBe(401);
    expect(answer.text).toBe(
      '{"errorCode":"ERR_SECRET_STORE_NOT_FOUND","message":"failed finding secret store with key nope"}',
    );
  });
  it("answers 500 when the app has no store at all", async () => {
    const answer = await api(fakeApp(), [secretsHttp])("/v1.0/secrets/env/FOO");
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_SECRET_STORES_NOT_CONFIGURED",
      message: "secret store is not configured",
    });
  });
  it("answers 403 for a secret that the scope denies, without asking the store", async () => {
    const before = asked.length;
    const answer = await secretApi()("/v1.0/secrets/env/DENIED");
    expect(answer.status).toBe(403);
    expect(answer.json).toEqual({
      errorCode: "ERR_PERMISSION_DENIED",
      message: 'access denied by policy to get "DENIED" from "env"',
    });
    expect(asked.length).toBe(before);
  });
  it("cannot be led past the scope by another spelling of the path", async () => {
    for (const path of [
      "/v1.0/secrets/env/%44ENIED",
      "/v1.0/secrets/env/x/../DENIED",
      "/v1.0//secrets/env/DENIED",
    ])
      expect({ path, status: (await secretApi()(path)).status }).toEqual({ path, status: 403 });
  });
  it("answers 500 with the store's reason when it fails", async () => {
    const answer = await secretApi()("/v1.0/secrets/env/BROKEN");
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_SECRET_GET",
      message:
        "failed getting secret with key BROKEN from secret store env: secret BROKEN not found",
    });
  });
});

describe("secret.get_bulk", () => {
  it("lists what the scope allows; a secret named bulk is only there", async () => {
    const answer = await secretApi()("/v1.0/secrets/env/bulk");
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      FOO: { FOO: "bar" },
      "a b": { "a b": "spaced" },
      bulk: { bulk: "hidden" },
    });
  });
  it("answers an empty object when everything is denied", async () => {
    const nothing: SecretScope = { defaultAccess: "deny", allowedSecrets: [], deniedSecrets: [] };
    expect(await secretApi(nothing)("/v1.0/secrets/env/bulk")).toMatchObject({
      status: 200,
      text: "{}\n",
    });
  });
  it("answers 401 for an unknown store and 500 for one that cannot list", async () => {
    expect((await secretApi()("/v1.0/secrets/nope/bulk")).json["errorCode"]).toBe(
      "ERR_SECRET_STORE_NOT_FOUND",
    );
    const answer = await secretApi()("/v1.0/secrets/unlisted/bulk");
    expect(answer.status).toBe(500);
    expect(answer.json["errorCode"]).toBe("ERR_SECRET_GET");
    expect(answer.json["message"]).toMatch(/^failed getting secrets from secret store unlisted: /);
  });
});

describe("secret scope", () => {
  it.each([
    ["no scope", undefined, "A", true],
    [
      "an allowed name",
      { defaultAccess: "deny", allowedSecrets: ["A"], deniedSecrets: [] },
      "A",
      true,
    ],
    [
      "a name that is not among the allowed",
      { defaultAccess: "allow", allowedSecrets: ["A"], deniedSecrets: [] },
      "B",
      false,
    ],
    [
      "a name that is allowed and denied",
      { defaultAccess: "allow", allowedSecrets: ["A"], deniedSecrets: ["A"] },
      "A",
      true,
    ],
    [
      "a denied name",
      { defaultAccess: "allow", allowedSecrets: [], deniedSecrets: ["A"] },
      "A",
      false,
    ],
    [
      "a denied name in another case",
      { defaultAccess: "allow", allowedSecrets: [], deniedSecrets: ["A"] },
      "a",
      true,
    ],
    [
      "default deny without lists",
      { defaultAccess: "deny", allowedSecrets: [], deniedSecrets: [] },
      "A",
      false,
    ],
  ] as const)("%s", (_, given, name, allowed) => {
    expect(isSecretAllowed(given, name)).toBe(allowed);
  });
});
