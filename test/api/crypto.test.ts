import { beforeEach, expect, test } from "vitest";
import { describeCell } from "#test/support/cells.ts";

const sample = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

describeCell("crypto", (cell) => {
  beforeEach(async ({ skip }) => {
    const metadata = (await (await cell().fetch("/v1.0/metadata")).json()) as {
      readonly components?: ReadonlyArray<{ readonly name: string }>;
    };
    if (!metadata.components?.some(({ name }) => name === "vault"))
      skip("this cell has no component vault");
  });
  const put = (
    verb: string,
    body: RequestInit["body"],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> =>
    cell().fetch(`/v1.0-alpha1/crypto/vault/${verb}`, { method: "PUT", headers, body });
  const bytesOf = async (answer: Response): Promise<Uint8Array<ArrayBuffer>> => {
    expect(answer.status).toBe(200);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const subtle = async (verb: string, body: object): Promise<Record<string, string>> => {
    const answer = await cell().fetch(`/v1.0-alpha1/subtlecrypto/vault/${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Record<string, string>;
  };

  test.each(["aes-gcm", "chacha20-poly1305"])(
    "crypto.decrypt gives back what crypto.encrypt was given (%s)",
    async (cipher) => {
      for (const algorithm of ["A256KW", "A256CBC-NOPAD"]) {
        const plaintext = sample(200_000);
        const document = await bytesOf(
          await put("encrypt", plaintext, {
            "dapr-key-name": "secret",
            "dapr-key-wrap-algorithm": algorithm,
            "dapr-data-encryption-cipher": cipher,
          }),
        );
        expect(new TextDecoder().decode(document.subarray(0, 15))).toBe("dapr.io/enc/v1\n");
        const back = await bytesOf(await put("decrypt", document));
        expect(back.length).toBe(plaintext.length);
        expect(back.every((byte, i) => byte === plaintext[i])).toBe(true);
      }
    },
  );
  test("crypto.decrypt answers an error, and no text, for a document that was cut off", async () => {
    const headers = { "dapr-key-name": "secret", "dapr-key-wrap-algorithm": "AES" };
    const document = await bytesOf(await put("encrypt", sample(150_000), headers));
    const answer = await put("decrypt", document.subarray(0, -1));
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({
      errorCode: "ERR_CRYPTO",
      message: "failed to perform operation: error processing segment 2: failed to decrypt segment",
    });
  });
  test("crypto.encrypt refuses what lacks a header", async () => {
    const answer = await put("encrypt", "x", { "dapr-key-name": "secret" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      errorCode: "ERR_BAD_REQUEST",
      message: "invalid request: missing header 'dapr-key-wrap-algorithm'",
    });
  });
  test.each([
    ["A256CBC", 16],
    ["A256CBC-NOPAD", 16],
    ["A256GCM", 12],
    ["A256KW", 0],
    ["A128CBC-HS256", 16],
    ["C20P", 12],
    ["XC20P", 24],
  ])("subtlecrypto.decrypt undoes subtlecrypto.encrypt (%s)", async (algorithm, nonceBytes) => {
    const plaintext = base64(sample(32));
    const use = { algorithm, keyName: "secret", nonce: base64(sample(nonceBytes)) };
    const sealed = await subtle("encrypt", { ...use, plaintext });
    expect(await subtle("decrypt", { ...use, ...sealed })).toEqual({ plaintext });
  });
  test("subtlecrypto.verify knows what subtlecrypto.sign has signed", async () => {
    const use = { algorithm: "EdDSA", keyName: "signer" };
    const { signature } = await subtle("sign", { ...use, digest: "" });
    // The first of RFC 8032's examples, which has an empty message.
    expect(atob(signature ?? "")).toHaveLength(64);
    expect(signature).toMatch(/^5VZDAMNgrHKQhuLMgG6C/);
    expect(await subtle("verify", { ...use, digest: "", signature })).toEqual({ valid: true });
    expect(await subtle("verify", { ...use, digest: "eA==", signature })).toEqual({});
  });
  test("subtlecrypto.getkey gives a public key, and no other", async () => {
    const { publicKey } = await subtle("getkey", { name: "signer" });
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=]{60}\n-----END/);
    expect(await subtle("getkey", { name: "secret" })).toEqual({
      errorCode: "ERR_CRYPTO_KEY",
      message: "failed to retrieve key secret: key not found",
    });
  });
});
