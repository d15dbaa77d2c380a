import { expect, test } from "vitest";
import { toBase64 } from "#core/util/base64.ts";
import { refusal } from "#test/support/api/refusal.ts";
import { describeCell } from "#test/support/cells.ts";

const sample = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);

describeCell("crypto", (cell) => {
  test.each(["aes-gcm", "chacha20-poly1305"])(
    "crypto.decrypt gives back what crypto.encrypt was given (%s)",
    async (dataEncryptionCipher) => {
      for (const keyWrapAlgorithm of ["A256KW", "A256CBC-NOPAD"]) {
        const plaintext = sample(200_000);
        const options = { keyName: "secret", keyWrapAlgorithm, dataEncryptionCipher };
        const document = await cell().api.encrypt("vault", options, plaintext);
        expect(new TextDecoder().decode(document.subarray(0, 15))).toBe("dapr.io/enc/v1\n");
        const back = await cell().api.decrypt("vault", document);
        expect(back.length).toBe(plaintext.length);
        expect(back.every((byte, i) => byte === plaintext[i])).toBe(true);
      }
    },
  );
  test("crypto.decrypt answers an error, and no text, for a document that was cut off", async () => {
    const options = { keyName: "secret", keyWrapAlgorithm: "AES" };
    const document = await cell().api.encrypt("vault", options, sample(150_000));
    await expect(cell().api.decrypt("vault", document.subarray(0, -1))).rejects.toMatchObject(
      refusal(
        "CRYPTO_FAILED",
        "failed to perform operation: error processing segment 2: failed to decrypt segment",
      ),
    );
  });
  test("crypto.encrypt refuses what lacks an algorithm", async () => {
    const options = { keyName: "secret", keyWrapAlgorithm: "" };
    await expect(cell().api.encrypt("vault", options, sample(1))).rejects.toMatchObject(
      refusal("CRYPTO_BAD_REQUEST", {
        http: "invalid request: missing header 'dapr-key-wrap-algorithm'",
        grpc: "invalid request: missing property 'keyWrapAlgorithm' in the options message",
      }),
    );
  });
  test("crypto.encrypt refuses a provider that is not there", async () => {
    const options = { keyName: "secret", keyWrapAlgorithm: "AES" };
    await expect(cell().api.encrypt("nope", options, sample(1))).rejects.toMatchObject(
      refusal("CRYPTO_PROVIDER_NOT_FOUND", "crypto provider nope not found"),
    );
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
    const plaintext = toBase64(sample(32));
    const use = { algorithm, keyName: "secret", nonce: toBase64(sample(nonceBytes)) };
    const sealed = await cell().api.subtle("encrypt", "vault", { ...use, plaintext });
    expect(await cell().api.subtle("decrypt", "vault", { ...use, ...sealed })).toEqual({
      plaintext,
    });
  });
  test("subtlecrypto.verify knows what subtlecrypto.sign has signed", async () => {
    const use = { algorithm: "EdDSA", keyName: "signer" };
    const { signature = "" } = await cell().api.subtle("sign", "vault", { ...use, digest: "" });
    // The first of RFC 8032's examples, which has an empty message.
    expect(atob(signature)).toHaveLength(64);
    expect(signature).toMatch(/^5VZDAMNgrHKQhuLMgG6C/);
    const verify = (digest: string) =>
      cell().api.subtle("verify", "vault", { ...use, digest, signature });
    expect(await verify("")).toEqual({ valid: true });
    expect(await verify("eA==")).toEqual({});
  });
  test("subtlecrypto.getkey gives a public key, and no other", async () => {
    const { publicKey } = await cell().api.subtle("getkey", "vault", { name: "signer" });
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=]{60}\n-----END/);
    await expect(cell().api.subtle("getkey", "vault", { name: "secret" })).rejects.toMatchObject(
      refusal("CRYPTO_KEY_NOT_FOUND", "failed to retrieve key secret: key not found"),
    );
  });
});
