import { describe, expect, it } from "vitest";
import { fakeApp } from "#test/support/fake-app.ts";
import { appWith, httpOf, rsaKey, sample, secretKey } from "./support.ts";

const keys = { aes: secretKey(32), short: secretKey(16), rsa: rsaKey() };
const fetch = httpOf(appWith(keys));
const encryptHeaders = { "dapr-key-name": "aes", "dapr-key-wrap-algorithm": "AES" };

async function put(
  verb: string,
  body: RequestInit["body"],
  headers: Readonly<Record<string, string>> = {},
  call = fetch,
): Promise<{ readonly status: number; readonly bytes: Uint8Array; readonly json: unknown }> {
  const answer = await call(`crypto/vault/${verb}`, {
    method: "PUT",
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const isJson = answer.headers.get("content-type") === "application/json";
  return {
    status: answer.status,
    bytes,
    get json() {
      if (!isJson) throw new Error("The answer is not valid JSON");
      return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
    },
  };
}
const failed = (why: string): object => ({
  errorCode: "ERR_CRYPTO",
  message: `failed to perform operation: ${why}`,
});

describe("crypto.encrypt and crypto.decrypt over HTTP", () => {
  it("give back what they were given, as octets", async () => {
    const plaintext = sample(200_000);
    const answer = await fetch("crypto/vault/encrypt", {
      method: "PUT",
      headers: { ...encryptHeaders, "dapr-data-encryption-cipher": "chacha20-poly1305" },
      body: plaintext,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    const { status, bytes } = await put("decrypt", await answer.arrayBuffer());
    expect(status).toBe(200);
    expect(Buffer.compare(bytes, plaintext)).toBe(0);
  });
  it("take an empty body for an empty document", async () => {
    const document = await put("encrypt", undefined, encryptHeaders);
    expect(Buffer.from(document.bytes).toString().split("\n")).toHaveLength(4);
    expect(await put("decrypt", document.bytes.slice())).toMatchObject({ status: 200 });
    expect((await put("decrypt", undefined)).json).toEqual(
      failed("invalid header: scheme name not found"),
    );
  });
  it.each([
    [{}, '"k":"aes"'],
    [{ "dapr-omit-decryption-key-name": "TRUE" }, "{"],
    [{ "dapr-omit-decryption-key-name": "no" }, '"k":"aes"'],
    [{ "dapr-decryption-key-name": "other" }, '"k":"other"'],
    [{ "dapr-omit-decryption-key-name": "1", "dapr-decryption-key-name": "other" }, "{"],
  ])("name the key in the document as %j asks", async (headers, has) => {
    const { bytes } = await put("encrypt", "x", { ...encryptHeaders, ...headers });
    const manifest = Buffer.from(bytes).toString("latin1").split("\n")[1] ?? "";
    expect(manifest).toContain(has);
    expect(manifest.includes('"k"')).toBe(has !== "{");
    const again = await put("decrypt", bytes.slice(), { "dapr-key-name": "aes" });
    expect(Buffer.from(again.bytes).toString()).toBe("x");
  });
  it.each(["dapr-key-name", "dapr-key-wrap-algorithm"] as const)("ask for %s", async (missing) => {
    const headers: Record<string, string> = { ...encryptHeaders, [missing]: "" };
    const answer = await put("encrypt", "x", headers);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: "ERR_BAD_REQUEST",
      message: `invalid request: missing header '${missing}'`,
    });
  });
  it.each([
    [
      { "dapr-key-wrap-algorithm": "A128KW" },
      "option Algorithm is not valid: algorithm A128KW is not supported",
    ],
    [
      { "dapr-data-encryption-cipher": "des" },
      "option Cipher is not valid: cipher DES is not supported",
    ],
    [
      { "dapr-key-name": "none" },
      "failed to wrap the file key: failed to retrieve the key encryption key: key not found",
    ],
    [
      { "dapr-key-name": "short" },
      "failed to wrap the file key: failed to encrypt data: key type mismatch",
    ],
    [
      { "dapr-key-name": "rsa" },
      "failed to wrap the file key: failed to encrypt data: key type mismatch",
    ],
    [
      { "dapr-key-name": "__proto__" },
      "failed to wrap the file key: failed to retrieve the key encryption key: key not found",
    ],
  ])("refuse %j", async (headers, why) => {
    const answer = await put("encrypt", "x", { ...encryptHeaders, ...headers });
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual(failed(why));
  });
  it("refuse a provider that is not there, before they look at anything else", async () => {
    const answer = await fetch("crypto/nope/encrypt", { method: "PUT", body: "x" });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toBe(
      '{"errorCode":"ERR_CRYPTO_PROVIDER_NOT_FOUND","message":"crypto provider nope not found"}',
    );
    const none = await put("decrypt", "x", {}, httpOf(fakeApp()));
    expect(none.status).toBe(500);
    expect(none.json).toEqual({
      errorCode: "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED",
      message: "crypto providers not configured",
    });
  });
  it("answer an error, and none of the text, for a document that was changed at its end", async () => {
    const { bytes } = await put("encrypt", sample(1_000_000), encryptHeaders);
    const answer = await put("decrypt", bytes.slice(0, -1));
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual(failed("error processing segment 15: failed to decrypt segment"));
  });
});

describe("the size limit", () => {
  const limited = httpOf(appWith(keys, { maxBodyBytes: 100_000 }));
  it("refuses what is declared to be larger", async () => {
    const headers = { ...encryptHeaders, "content-length": "100001" };
    const answer = await put("encrypt", sample(100_001), headers, limited);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual(failed("stream too large"));
    expect((await put("encrypt", sample(100_000), encryptHeaders, limited)).status).toBe(200);
  });
  it("refuses what turns out to be larger, and stops reading it", async () => {
    let cancelled = false;
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 40_000;
        controller.enqueue(sample(40_000));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const answer = await put("encrypt", body, encryptHeaders, limited);
    expect(answer.json).toEqual(failed("stream too large"));
    expect(cancelled).toBe(true);
    expect(sent).toBeLessThan(300_000);
  });
  it("where it is high, the answer begins before the end, and breaks off when the rest is bad", async () => {
    const high = httpOf(appWith(keys, { maxBodyBytes: 1e9 }));
    const plaintext = sample(9_000_000);
    const { bytes } = await put("encrypt", plaintext, encryptHeaders, high);
    const whole = await put("decrypt", bytes.slice(), {}, high);
    expect(Buffer.compare(whole.bytes, plaintext)).toBe(0);
    bytes[8_500_000] = (bytes[8_500_000] as number) ^ 1;
    const answer = await high("crypto/vault/decrypt", { method: "PUT", body: bytes.slice() });
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow("failed to decrypt segment");
    // A caller that goes away is not waited for.
    const left = await high("crypto/vault/decrypt", { method: "PUT", body: bytes.slice() });
    await left.body?.cancel();
  });
});
