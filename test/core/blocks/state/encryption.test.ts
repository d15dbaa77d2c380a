import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/state-store.ts";
import { noMetadata } from "#core/ports/component.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { encryptedStore, stateCipher } from "#core/blocks/state/encryption.ts";
import { stateGrpc } from "#core/blocks/state/grpc.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { api, type ApiRequest } from "../../api.ts";
import { grpcClient } from "../../grpc-call.ts";

const options = { signal: new AbortController().signal };
const oldKey = "00112233445566778899aabbccddeeff";
const newKey = "ff".repeat(32);

/** A store's metadata: key -> name of the secret, and the secret itself. */
type Keys = Readonly<Record<string, readonly [secret: string, hex: string]>>;
const single: Keys = { primaryEncryptionKey: ["k1", oldKey] };
const rotated: Keys = {
  primaryEncryptionKey: ["k2", newKey],
  secondaryEncryptionKey: ["k1", oldKey],
};

async function cipherOf(keys: Keys) {
  const pairs = Object.entries(keys).map(([name, [secret]]) => ({
    name,
    secretKeyRef: { name: secret, key: secret },
  }));
  const values = Object.entries(keys).map(([name, [, hex]]) => [name.toLowerCase(), hex]);
  return stateCipher("mem", pairs, Object.fromEntries(values) as Record<string, string>);
}
async function encrypted(keys: Keys, plain: StateStore): Promise<StateStore> {
  const cipher = await cipherOf(keys);
  if (!cipher) throw new Error("no cipher");
  return encryptedStore(plain, cipher);
}
/** What Dapr stores: AES-GCM as Go's library and OpenSSL have it. */
function sealedByDapr(text: string, [secret, hex]: readonly [string, string]): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv(`aes-${(hex.length * 4) as 128}-gcm`, Buffer.from(hex, "hex"), iv);
  const sealed = [iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
  return `${Buffer.concat(sealed).toString("base64")}||${secret}`;
}
function openedByDapr(stored: string, [secret, hex]: readonly [string, string]): string {
  const at = stored.lastIndexOf("||");
  expect(stored.slice(at + 2)).toBe(secret);
  const bytes = Buffer.from(stored.slice(0, at), "base64");
  const key = Buffer.from(hex, "hex");
  const decipher = createDecipheriv(
    `aes-${(hex.length * 4) as 128}-gcm`,
    key,
    bytes.subarray(0, 12),
  );
  decipher.setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(12, -16)).toString("utf8") + decipher.final("utf8");
}
async function stored(store: StateStore, key: string): Promise<string> {
  const [item] = await store.read([{ key, metadata: noMetadata }], options);
  return new TextDecoder().decode(item?.value as Uint8Array);
}
async function keep(store: StateStore, key: string, value: string): Promise<void> {
  const bytes = new TextEncoder().encode(value);
  await store.write({ op: "put", key, value: bytes, metadata: noMetadata }, options);
}

const post = (body: unknown): ApiRequest => ({ method: "POST", body });
const base = "/v1.0/state/mem";

function appWith(port: StateStore) {
  return fakeApp({ components: [{ kind: "state", name: "mem", port, keyPrefix: "app||" }] });
}

describe("an encrypted store", () => {
  it.each([
    [{ a: [1, "two", null] }, '{"a":[1,"two",null]}'],
    ["plain text", "plain text"],
    ['{"already":"json"}', '{"already":"json"}'],
    [42.5, "42.5"],
    [true, "true"],
    [null, "null"],
    ["", ""],
  ])("keeps %j over HTTP so that Dapr reads it, and gives it back", async (value, text) => {
    const plain = open(fakeClock());
    const call = api(appWith(await encrypted(single, plain)), [stateHttp]);
    expect((await call(base, post([{ key: "k", value }]))).status).toBe(204);
    expect(openedByDapr(await stored(plain, "app||k"), ["k1", oldKey])).toBe(text);
    const answer = await call(`${base}/k`);
    expect(answer.text).toBe(text);
    expect(answer.status).toBe(text === "" ? 204 : 200);
  });
  it("keeps bytes over gRPC as they are, JSON among them", async () => {
    const plain = open(fakeClock());
    const client = grpcClient(appWith(await encrypted(single, plain)), {}, [stateGrpc]);
    const value = new TextEncoder().encode('"quoted"');
    const json = { key: "json", value, metadata: { contentType: "application/json" } };
    await client.unary("SaveState", { storeName: "mem", states: [{ key: "raw", value }, json] });
    const request = { key: "tx", value };
    await client.unary("ExecuteStateTransaction", {
      storeName: "mem",
      operations: [{ operationType: "upsert", request }],
    });
    for (const key of ["raw", "json", "tx"]) {
      expect(openedByDapr(await stored(plain, `app||${key}`), ["k1", oldKey])).toBe('"quoted"');
      const { data } = await client.unary("GetState", { storeName: "mem", key });
      expect(data).toEqual(value);
    }
  });
  it("reads what Dapr wrote, with the old key and the new", async () => {
    const plain = open(fakeClock());
    const store = await encrypted(rotated, plain);
    await keep(plain, "old", sealedByDapr("was", ["k1", oldKey]));
    await keep(plain, "new", sealedByDapr("is", ["k2", newKey]));
    expect(await stored(store, "old")).toBe("was");
    expect(await stored(store, "new")).toBe("is");
    await keep(store, "old", "again");
    expect(openedByDapr(await stored(plain, "old"), ["k2", newKey])).toBe("again");
  });
  it("reads both keys of one secret", async () => {
    const plain = open(fakeClock());
    const keys: Keys = {
      primaryEncryptionKey: ["both", newKey],
      secondaryEncryptionKey: ["both", oldKey],
    };
    const store = await encrypted(keys, plain);
    await keep(plain, "old", sealedByDapr("was", ["both", oldKey]));
    expect(await stored(store, "old")).toBe("was");
  });
  it("encrypts in bulk and in transactions, keeps etags, and deletes", async () => {
    const plain = open(fakeClock());
    const call = api(appWith(await encrypted(single, plain)), [stateHttp]);
    const items = [1, 2].map((n) => ({ key: `k${n}`, value: { n } }));
    await call(base, post(items));
    const operations = [{ operation: "upsert", request: { key: "k3", value: { n: 3 } } }];
    await call(`${base}/transaction`, post({ operations }));
    const bulk = await call(`${base}/bulk`, post({ keys: ["k1", "k2", "k3", "k4"] }));
    expect(JSON.parse(bulk.text)).toMatchObject([
      { key: "k1", data: { n: 1 } },
      { key: "k2", data: { n: 2 } },
      { key: "k3", data: { n: 3 } },
      { key: "k4" },
    ]);
    const etag = (await call(`${base}/k1`)).headers.get("etag") as string;
    const wrong = post([{ key: "k1", value: 2, etag: "00000000-0000-0000-0000-000000000000" }]);
    expect((await call(base, wrong)).status).toBe(409);
    expect((await call(base, post([{ key: "k1", value: 2, etag }]))).status).toBe(204);
    expect((await call(`${base}/k1`, { method: "DELETE" })).status).toBe(204);
    expect((await call(`${base}/k1`)).status).toBe(204);
  });
  it.each([
    ["plain text", /encryption key name not found on record/],
    [`${sealedByDapr("x", ["k9", newKey])}`, /no key has the name "k9"/],
    [sealedByDapr("x", ["k1", newKey.slice(0, 32)]), /message authentication failed/],
    ["||k1", /not what was encrypted/],
    ["AAAA||k1", /not what was encrypted/],
    ["no base64!||k1", /not what was encrypted/],
  ])("says that %j cannot be decrypted, and shows the keys beside it", async (value, why) => {
    const plain = open(fakeClock());
    const store = await encrypted(single, plain);
    await keep(plain, "app||bad", value);
    await keep(store, "app||good", "1");
    const call = api(appWith(store), [stateHttp]);
    const answer = await call(`${base}/bad`);
    expect(answer.status).toBe(500);
    expect(answer.json["errorCode"]).toBe("ERR_STATE_GET");
    expect(answer.json["message"]).toMatch(why);
    const bulk = JSON.parse((await call(`${base}/bulk`, post({ keys: ["bad", "good"] }))).text);
    expect(bulk).toMatchObject([
      { key: "bad", error: expect.stringMatching(why) },
      { key: "good", data: 1 },
    ]);
  });
  it("never uses a nonce twice, and refuses queries where the store has them", async () => {
    const plain = open(fakeClock());
    const store = await encrypted(single, plain);
    await keep(store, "a", "same");
    await keep(store, "b", "same");
    expect(await stored(plain, "a")).not.toBe(await stored(plain, "b"));
    expect("query" in store).toBe(false);
    const query = async () => ({ results: [] });
    const call = api(appWith(await encrypted(single, { ...plain, query })), [stateHttp]);
    const answer = await call("/v1.0-alpha1/state/mem/query", post({}));
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({
      errorCode: "ERR_STATE_QUERY",
      message: "state store mem query failed: cannot query encrypted store",
    });
  });
});

describe("encryption keys", () => {
  it("are none in most documents", async () => {
    expect(await stateCipher("mem", [{ name: "keyPrefix", value: "name" }], {})).toBeUndefined();
  });
  it.each<[string, Keys, RegExp]>([
    ["is empty", { primaryEncryptionKey: ["k1", ""] }, /"primaryEncryptionKey" must be a key/],
    ["is too short", { primaryEncryptionKey: ["k1", "aabb"] }, /16, 24 or 32 bytes/],
    ["is not hex", { primaryEncryptionKey: ["k1", "z".repeat(32)] }, /in hex/],
    ["stands alone as second", { secondaryEncryptionKey: ["k1", oldKey] }, /needs "primary/],
  ])("refuse to start a store when one %s", async (_, keys, why) => {
    await expect(cipherOf(keys)).rejects.toThrow(why);
  });
  it("refuse a key that is not a secret", async () => {
    const pair = { name: "PrimaryEncryptionKey", value: oldKey };
    await expect(stateCipher("mem", [pair], { primaryencryptionkey: oldKey })).rejects.toThrow(
      /use secretKeyRef/,
    );
  });
  it("may have 192 bits", async () => {
    const keys: Keys = { primaryEncryptionKey: ["k", "ab".repeat(24)] };
    const plain = open(fakeClock());
    const store = await encrypted(keys, plain);
    await keep(store, "a", "text");
    expect(openedByDapr(await stored(plain, "a"), ["k", "ab".repeat(24)])).toBe("text");
    expect(await stored(store, "a")).toBe("text");
  });
});
