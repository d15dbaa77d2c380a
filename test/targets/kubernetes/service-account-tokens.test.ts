import { createHmac } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenReader } from "#targets/kubernetes/group/pod-authentication.ts";
import { createTokenReader } from "#targets/kubernetes/group/service-account-tokens.ts";
import { RefusedQuestionError } from "#targets/kubernetes/group/supervisor-link.ts";
import { turn } from "#test/doubles/group-process.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog, type KeptLog } from "#test/support/kept-log.ts";

const issuer = "https://kubernetes.default.svc";
interface Key {
  readonly kid: string;
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  readonly spki: string;
  readonly jwk: object;
}
async function key(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" };
  return { kid, privateKey, spki: await exportSPKI(publicKey), jwk };
}
let own: Key;
let rotated: Key;
let foreign: Key;
beforeAll(async () => {
  [own, rotated, foreign] = await Promise.all([key("k1"), key("k2"), key("k1")]);
});

let clock: FakeClock;
let log: KeptLog;
let keys: readonly object[];
let isAway: boolean;
let isGood: boolean;
let asked: string[];
let read: TokenReader;
beforeEach(() => {
  clock = fakeClock();
  log = keptLog();
  keys = [own.jwk];
  isAway = false;
  isGood = true;
  asked = [];
  read = reader();
});
const count = (question: string): number => asked.filter((each) => each === question).length;

function reader(nodeName = "node-1"): TokenReader {
  return createTokenReader(
    {
      ask: async (question): Promise<never> => {
        asked.push(question);
        if (isAway) throw new RefusedQuestionError(0, "away");
        return (question === "jwks" ? { keys, issuer } : { isGood }) as never;
      },
    },
    { audience: "outrigger", nodeName, clock, log },
  );
}
interface Claims {
  readonly claims?: JWTPayload;
  readonly pod?: unknown;
  readonly node?: unknown;
  readonly key?: Key;
  /** Seconds from now. */
  readonly expires?: number;
}
function token(more: Claims = {}): Promise<string> {
  const { kid, privateKey } = more.key ?? own;
  const now = Math.floor(clock.now() / 1000);
  return new SignJWT({
    iss: issuer,
    aud: ["outrigger"],
    iat: now,
    nbf: now,
    exp: now + (more.expires ?? 3600),
    sub: "system:serviceaccount:shop:default",
    "kubernetes.io": {
      namespace: "shop",
      ...("pod" in more ? { pod: more.pod } : { pod: { name: "cart-0", uid: "u-1" } }),
      ...("node" in more ? { node: more.node } : { node: { name: "node-1", uid: "n-1" } }),
      serviceaccount: { name: "default", uid: "s-1" },
    },
    ...more.claims,
  })
    .setProtectedHeader({ alg: "RS256", kid })
    .sign(privateKey);
}
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a service-account token", () => {
  it("is its pod's", async () => {
    expect(await read(await token())).toMatchObject({ podUid: "u-1" });
  });
  it("is nobody's where it was made for another audience, by another issuer, or with another key", async () => {
    const now = Math.floor(clock.now() / 1000);
    for (const claims of [
      { aud: ["kubernetes"] },
      { aud: [] },
      { aud: undefined },
      { iss: "https://elsewhere" },
      { iss: undefined },
      { exp: undefined },
      { nbf: now + 60 },
    ] as unknown as JWTPayload[])
      expect([claims, await read(await token({ claims }))]).toEqual([claims, undefined]);
    expect(await read(await token({ key: foreign }))).toBeUndefined();
    expect(count("review")).toBe(0);
  });
  it("is nobody's where it is not signed, or signed with what everybody has", async () => {
    const [, payload] = (await token()).split(".") as [string, string];
    const signed = (head: object, secret: string): string => {
      const text = `${encode(head)}.${payload}`;
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    };
    for (const bad of [
      `${encode({ alg: "none" })}.${payload}.`,
      `${encode({ alg: "none", kid: "k1" })}.${payload}.x`,
      signed({ alg: "HS256", kid: "k1" }, own.spki),
      signed({ alg: "HS256", kid: "k1" }, JSON.stringify(own.jwk)),
      signed({ alg: "HS256" }, ""),
      `${encode({ alg: "RS256", kid: "k1" })}.${payload}.`,
      `${encode({ alg: "RS256", kid: "k1", jwk: foreign.jwk })}.${payload}.AAAA`,
      `${encode({ alg: "RS256", kid: "k1", crit: ["exp"] })}.${payload}.AAAA`,
    ])
      expect([bad, await read(bad)]).toEqual([bad, undefined]);
  });
  it("whose claims were changed is nobody's", async () => {
    const [head, payload, signature] = (await token()).split(".") as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const other = { ...claims, "kubernetes.io": { pod: { uid: "u-2" } } };
    expect(await read(`${head}.${encode(other)}.${signature}`)).toBeUndefined();
  });
  it("ends when it says so, but for what clocks may differ by", async () => {
    const short = await token({ expires: 600 });
    expect(await read(short)).toBeDefined();
    await clock.advance(620_000);
    expect(await read(short)).toBeDefined();
    await clock.advance(11_000);
    expect(await read(short)).toBeUndefined();
    expect(await reader()(short)).toBeUndefined();
  });
  it("of a pod of another node is nobody's here; where nodes do not matter it is", async () => {
    const other = await token({ node: { name: "node-2" } });
    expect(await read(other)).toBeUndefined();
    expect(await reader("")(other)).toMatchObject({ podUid: "u-1" });
    // Clusters before 1.30 do not say; the pod has to be one of this node all the same.
    expect(await read(await token({ node: undefined }))).toMatchObject({ podUid: "u-1" });
    expect(await read(await token({ node: { name: ["node-1"] } }))).toBeUndefined();
  });
  it("that is bound to no pod is nobody's", async () => {
    for (const pod of [undefined, null, {}, { uid: "" }, { uid: 5 }, "u-1", ["u-1"]])
      expect([pod, await read(await token({ pod }))]).toEqual([pod, undefined]);
    for (const claims of [{ "kubernetes.io": "x" }, { "kubernetes.io": null }])
      expect(await read(await token({ claims }))).toBeUndefined();
  });
  it.each([
    "",
    "a",
    "a.b.c",
    "..",
    "a.b.c.d",
    "e30.e30.e30",
    "bnVsbA.e30.e30",
    `${"a".repeat(20_000)}.a.a`,
  ])("is not asked about where it is none: %.20s", async (text) => {
    expect(await read(text)).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

describe("the cluster's keys", () => {
  it("are asked for once, and again for a key that is not among them, at most every five seconds", async () => {
    await Promise.all([read(await token()), read(await token({ claims: { jti: "2" } }))]);
    expect(count("jwks")).toBe(1);
    const late = await token({ key: rotated });
    expect(await read(late)).toBeUndefined();
    expect(count("jwks")).toBe(1);
    keys = [own.jwk, rotated.jwk];
    await clock.advance(5000);
    expect(await read(late)).toMatchObject({ podUid: "u-1" });
    expect(count("jwks")).toBe(2);
  });
  it("that are taken away stop counting for tokens that were not seen before", async () => {
    await read(await token());
    keys = [rotated.jwk];
    await clock.advance(10 * 60_000 + 1);
    await read(await token({ claims: { jti: "2" } }));
    await turn();
    expect(await read(await token({ claims: { jti: "3" } }))).toBeUndefined();
  });
  it("that cannot be had are no reason to say that a token is bad, nor to ask for each", async () => {
    isAway = true;
    const early = await token();
    await expect(read(early)).rejects.toThrow("keys are not known yet");
    await expect(read(early)).rejects.toThrow("keys are not known yet");
    expect(count("jwks")).toBe(1);
    isAway = false;
    await clock.advance(1001);
    expect(await read(early)).toMatchObject({ podUid: "u-1" });
  });
  it("that were known count on while the API server is away", async () => {
    await read(await token());
    isAway = true;
    await clock.advance(3600_000);
    expect(await read(await token({ claims: { jti: "2" } }))).toMatchObject({ podUid: "u-1" });
  });
});

describe("what the API server says of a token", () => {
  it("is asked once", async () => {
    const good = await token();
    for (let i = 0; i < 5; i++) await read(good);
    await turn();
    expect(count("review")).toBe(1);
  });
  it("ends it, also for tries after that", async () => {
    isGood = false;
    const bad = await token();
    expect(await read(bad)).toBeDefined();
    await turn();
    expect(await read(bad)).toBeUndefined();
    isGood = true;
    expect(await read(bad)).toBeUndefined();
    expect(log.of("warn").join()).toContain("does not know it");
    expect(await read(await token({ claims: { jti: "2" } }))).toBeDefined();
  });
  it("is asked before such a token counts again, and not before a minute is over", async () => {
    isGood = false;
    const bad = await token();
    await read(bad);
    await turn();
    await clock.advance(59_000);
    expect(await read(bad)).toBeUndefined();
    expect(count("review")).toBe(1);
    await clock.advance(1000);
    expect(await read(bad)).toBeUndefined();
    expect(count("review")).toBe(2);
    isGood = true;
    await clock.advance(60_000);
    expect(await read(bad)).toMatchObject({ podUid: "u-1" });
    expect(await read(bad)).toBeDefined();
    expect(count("review")).toBe(3);
  });
  it("is asked again a while after it could not say", async () => {
    await read(await token({ claims: { jti: "keys" } }));
    isAway = true;
    const kept = await token();
    expect(await read(kept)).toBeDefined();
    await turn();
    isAway = false;
    isGood = false;
    await clock.advance(59_000);
    expect(await read(kept)).toBeDefined();
    await turn();
    expect(await read(kept)).toBeDefined();
    await clock.advance(1001);
    expect(await read(kept)).toBeDefined();
    await turn();
    expect(await read(kept)).toBeUndefined();
  });
});
