import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openClient } from "#k8s/api/open-client.ts";
import { createClusterQuestions } from "#targets/kubernetes/supervisor/cluster-questions.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { signer } from "#test/support/node-tenants.ts";

let api: KubeApiDouble;
let client: ReturnType<typeof openClient>;
let found: unknown[];
let clock: FakeClock;
let answers: ReturnType<typeof createClusterQuestions>;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  found = [];
  clock = fakeClock();
  answers = createClusterQuestions({
    client,
    nodes: {
      find: async (app) => {
        found.push(app);
        return ["10.0.0.2"];
      },
      [Symbol.dispose]: () => {},
    },
    tokenAudience: "outrigger",
    clock,
  });
  for (const namespace of ["shop", "bank"])
    api.put({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: "s" },
      data: { k: Buffer.from(namespace).toString("base64") },
    } as never);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

/** What the group of namespace `shop` is answered. */
function ask(question: string, about: unknown): Promise<unknown> {
  const asker = { name: "namespace/shop", namespaces: new Set(["shop"]) };
  return answers.answer(asker, question as never, about as never);
}
const read = (): string[] =>
  api.requests.map(({ path }) => path).filter((path) => path.includes("secrets"));

describe("what a group asks for", () => {
  it("is given of its own namespaces, by name", async () => {
    expect(await ask("secret", { namespace: "shop", name: "s" })).toEqual({
      value: { k: Buffer.from("shop").toString("base64") },
    });
    expect(await ask("secret", { namespace: "shop", name: "none" })).toEqual({ value: undefined });
  });
  it("is refused of the namespaces of others, whether it is there or not", async () => {
    const [there, absent, none] = await Promise.all([
      ask("secret", { namespace: "bank", name: "s" }),
      ask("secret", { namespace: "bank", name: "none" }),
      ask("secret", { namespace: "nowhere", name: "s" }),
    ]);
    expect(there).toMatchObject({ error: { code: 403 } });
    expect(absent).toEqual(there);
    expect(none).toMatchObject({ error: { code: 403 } });
    expect(read()).toEqual([]);
  });
  it.each([
    "",
    ".",
    "..",
    "../../bank/secrets/s",
    "s?x=1",
    "s/../s",
    "S",
    "s%2f",
    "a".repeat(254),
    5,
    null,
  ])("is nothing where the name is none: %j", async (name) => {
    expect(await ask("secret", { namespace: "shop", name })).toEqual({ value: undefined });
    expect(read()).toEqual([]);
  });
  it.each([
    ["secret", undefined],
    ["secret", null],
    ["secret", "s"],
    ["secret", {}],
    ["secret", { namespace: ["shop"], name: "s" }],
    ["resolve", undefined],
    ["review", {}],
    ["review", { token: 5 }],
    ["review", { token: "" }],
    ["delete everything", {}],
    ["constructor", {}],
    [undefined, {}],
  ])("is an error where it makes no sense: %j %j", async (question, about) => {
    expect(await ask(question as string, about)).toHaveProperty("error.message");
    expect(api.requests).toEqual([]);
  });
  it("is the nodes of any app, but only of what can be an app", async () => {
    expect(await ask("resolve", { namespace: "bank", appId: "cart" })).toEqual({
      value: ["10.0.0.2"],
    });
    for (const appId of ["cart,tier=x", "cart)", "", "!cart", "a/b", "a".repeat(64), 5, null])
      expect(await ask("resolve", { namespace: "bank", appId })).toEqual({ value: [] });
    for (const namespace of ["", "../x", "a.b", 5])
      expect(await ask("resolve", { namespace, appId: "cart" })).toEqual({ value: [] });
    expect(found).toHaveLength(1);
  });
  it("is what the API server says of a token, for our audience", async () => {
    const good = "good.token.sig";
    const asked: unknown[] = [];
    api.onTokenReview = (spec) => {
      asked.push(spec);
      return spec.token === good
        ? {
            authenticated: true,
            audiences: ["outrigger"],
            user: { username: "system:serviceaccount:shop:cart" },
          }
        : { authenticated: false };
    };
    expect(await ask("review", { token: good })).toEqual({ value: { isGood: true } });
    expect(await ask("review", { token: "bad.token.sig" })).toEqual({ value: { isGood: false } });
    expect(asked[0]).toEqual({ token: good, audiences: ["outrigger"] });
  });
  it("is the cluster's keys, also while the API server is away that said them", async () => {
    await signer(api);
    const keys = await ask("jwks", {});
    expect(keys).toMatchObject({ value: { keys: [{ kid: "k1" }] } });
    await api.stop();
    await clock.advance(60_000);
    expect(await ask("jwks", {})).toEqual(keys);
  });
  it("is the error of an API server that refuses, or is away", async () => {
    api.isAllowed = ({ resource }) => resource !== "secrets";
    expect(await ask("secret", { namespace: "shop", name: "s" })).toMatchObject({
      error: { code: 403 },
    });
    await api.stop();
    expect(await ask("secret", { namespace: "shop", name: "s" })).toMatchObject({
      error: { code: 0 },
    });
    expect(await ask("jwks", {})).toMatchObject({ error: { code: 0 } });
  });
});
