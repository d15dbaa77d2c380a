import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keys as withoutFiles } from "#components/crypto-jwks-workers/manifest.ts";
import { keys } from "#components/crypto-jwks/manifest.ts";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";
import { cryptoProviderContract } from "#test/contracts/crypto-provider.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const secret = (kid: string): object => ({
  kty: "oct",
  kid,
  k: randomBytes(32).toString("base64url"),
});
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const set = { keys: [secret("secret"), { ...rsa.export({ format: "jwk" }), kid: "rsa" }] };
const json = JSON.stringify(set);
const wrap = (provider: CryptoProvider, key: string): Promise<unknown> =>
  provider.wrapKey(randomBytes(32), { key, algorithm: "A256KW" }, options);

describe.each([
  ["on Node", keys],
  ["on Workers", withoutFiles],
])("crypto.dapr.jwks %s", (_, manifest) => {
  describe("with an inline set", () => {
    cryptoProviderContract({
      open: () => openComponent(manifest, { jwks: json }),
      secret: "secret",
      rsa: "rsa",
    });
  });
  it("takes base64, a single key, and a set with keys of kinds that it does not know", async () => {
    const base64 = Buffer.from(json).toString("base64");
    for (const jwks of [base64, base64.replace(/=+$/, ""), JSON.stringify(set.keys[0])])
      await wrap(await openComponent(manifest, { jwks }), "secret");
    const jwks = JSON.stringify({ keys: [{ kty: "new", kid: "secret" }, 7, ...set.keys] });
    await wrap(await openComponent(manifest, { jwks }), "secret");
  });
  it.each(["{", "[]", "AAAA", "no/such/file", '{"kty":"new"}', "ftp://x/y"])(
    "does not open with %j, and does not repeat what may be a key",
    async (jwks) => {
      const opened = openComponent(manifest, { jwks });
      await expect(opened).rejects.toThrow("failed to parse jwks");
      await expect(opened).rejects.not.toThrow(jwks);
    },
  );
  it("does not open without a set", async () => {
    await expect(openComponent(manifest)).rejects.toThrow("'jwks' is required");
  });
});

describe("crypto.dapr.jwks with a file", () => {
  it("uses it as it is, and keeps its last set while the file cannot be read", async () => {
    const jwks = temporaryFile("keys.json");
    writeFileSync(jwks, json);
    const host = testHost();
    const provider = await openComponent(keys, { jwks }, host);
    await wrap(provider, "secret");
    writeFileSync(jwks, JSON.stringify({ keys: [secret("other")] }));
    await wrap(provider, "other");
    await expect(wrap(provider, "secret")).rejects.toThrow("key not found");
    writeFileSync(jwks, "{");
    await wrap(provider, "other");
    expect(host.lines.map(({ message }) => message).join()).toContain("stays as it is");
    await expect(openComponent(keys, { jwks })).rejects.toThrow("the key set is not valid JSON");
  });
  it("refuses a file that is too large to be one", async () => {
    const jwks = temporaryFile("keys.json");
    writeFileSync(jwks, " ".repeat(1024 * 1024 + 1));
    await expect(openComponent(keys, { jwks })).rejects.toThrow("failed to read JWKS file");
  });
});

describe("crypto.dapr.jwks with a URL", () => {
  let answer: RequestListener;
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  let jwks: string;
  const answering =
    (body: unknown, status = 200): RequestListener =>
    (_, response) =>
      response.writeHead(status).end(JSON.stringify(body));
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("asks again only when the set is used after the refresh interval, and then once", async () => {
    const clock = fakeClock();
    const host = testHost({ clock });
    answer = answering(set);
    asked = 0;
    const provider = await openComponent(keys, { jwks, minRefreshInterval: "1m" }, host);
    answer = answering({ keys: [secret("other")] });
    await expect(wrap(provider, "other")).rejects.toThrow("key not found");
    await clock.advance(59_999);
    await wrap(provider, "secret");
    expect(asked).toBe(1);
    await clock.advance(1);
    await Promise.all([wrap(provider, "other"), wrap(provider, "other"), wrap(provider, "other")]);
    expect(asked).toBe(2);
    answer = answering("gone", 500);
    await clock.advance(60_000);
    await wrap(provider, "other");
    await wrap(provider, "other");
    expect(asked).toBe(3);
    expect(host.lines.at(-1)?.message).toContain("failed to fetch JWKS: the server answered 500");
    await provider[Symbol.asyncDispose]();
    expect(clock.sleepers).toBe(0);
  });
  it("counts an interval below a second, and a timeout below a millisecond, as not given", async () => {
    const clock = fakeClock();
    answer = answering(set);
    const given = { jwks, minRefreshInterval: "10ms", requestTimeout: "0" };
    const provider = await openComponent(keys, given, testHost({ clock }));
    asked = 0;
    await clock.advance(599_999);
    await wrap(provider, "secret");
    expect(asked).toBe(0);
    await clock.advance(1);
    await wrap(provider, "secret");
    expect(asked).toBe(1);
  });
  it.each([
    ["an error", answering(set, 404), "the server answered 404"],
    ["no JSON", answering(undefined), "the key set is not valid JSON"],
    ["too much", answering("x".repeat(1024 * 1024)), "stream too large"],
    ["nothing at all", ((_, response) => response.destroy()) as RequestListener, ""],
  ])("does not open when the server says %s", async (_, says, why) => {
    answer = says;
    await expect(openComponent(keys, { jwks })).rejects.toThrow(`failed to fetch JWKS: ${why}`);
  });
  it("does not wait for ever for a server that does not answer, or does not end", async () => {
    for (const silent of [
      () => {},
      (_request: unknown, response: { write(text: string): void }) => response.write("{"),
    ]) {
      answer = silent as RequestListener;
      await expect(openComponent(keys, { jwks, requestTimeout: "50ms" })).rejects.toThrow(
        "failed to fetch JWKS: No answer within 50 ms",
      );
    }
  });
});
