import { afterAll, beforeAll, expect, test } from "vitest";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";

/** What a provider needs to have for the contract: a symmetric key of 32 bytes and a private RSA key, by their names. */
export interface CryptoProviderSubject {
  readonly open: () => Promise<CryptoProvider>;
  readonly secret: string;
  readonly rsa: string;
}
const options = { signal: new AbortController().signal };
const bytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** What every provider of cryptography promises, wherever its keys are. */
export function cryptoProviderContract({ open, secret, rsa }: CryptoProviderSubject): void {
  let provider: CryptoProvider;
  beforeAll(async () => {
    provider = await open();
  });
  afterAll(async () => provider?.[Symbol.asyncDispose]());

  test("publicKey gives nothing that is private, and no symmetric key", async () => {
    const jwk = await provider.publicKey(rsa, options);
    expect(jwk).toMatchObject({ kty: "RSA", n: expect.any(String), e: "AQAB" });
    for (const member of ["d", "p", "q", "dp", "dq", "qi", "k"])
      expect(jwk).not.toHaveProperty(member);
    await expect(provider.publicKey(secret, options)).rejects.toThrow();
  });
  test.each(["A256GCM", "RSA-OAEP-256"])("decrypt undoes encrypt (%s)", async (algorithm) => {
    const key = algorithm === "A256GCM" ? secret : rsa;
    const use = { key, algorithm, nonce: bytes(12), associatedData: bytes(3) };
    const plaintext = bytes(50);
    const sealed = await provider.encrypt(plaintext, use, options);
    expect(await provider.decrypt(sealed, use, options)).toEqual(plaintext);
    const [first = 0, ...rest] = sealed.ciphertext;
    const changed = { ...sealed, ciphertext: Uint8Array.of(first ^ 1, ...rest) };
    await expect(provider.decrypt(changed, use, options)).rejects.toThrow();
  });
  test.each(["A256KW", "RSA-OAEP-256"])("unwrapKey undoes wrapKey (%s)", async (algorithm) => {
    const use = { key: algorithm === "A256KW" ? secret : rsa, algorithm };
    const key = bytes(32);
    expect(
      await provider.unwrapKey(await provider.wrapKey(key, use, options), use, options),
    ).toEqual(key);
  });
  test.each(["RS256", "PS256"])("verify knows what sign has signed (%s)", async (algorithm) => {
    const use = { key: rsa, algorithm };
    const digest = bytes(32);
    const signature = await provider.sign(digest, use, options);
    expect(await provider.verify(digest, signature, use, options)).toBe(true);
    expect(await provider.verify(bytes(32), signature, use, options)).toBe(false);
  });
  test.each(["no-such-key", "", "__proto__", "constructor", "../x", "a\0b", "x".repeat(5000)])(
    "rejects for a key %j that it does not have",
    async (key) => {
      const use = { key, algorithm: "A256KW" };
      await expect(provider.publicKey(key, options)).rejects.toThrow();
      await expect(provider.wrapKey(bytes(32), use, options)).rejects.toThrow();
      await expect(
        provider.sign(bytes(32), { key, algorithm: "RS256" }, options),
      ).rejects.toThrow();
    },
  );
  test("rejects for an algorithm that it does not have, or that is none for the key", async () => {
    for (const algorithm of ["", "ROT13", "constructor", "RS256"])
      for (const key of [secret, rsa]) {
        const use = { key, algorithm };
        await expect(provider.encrypt(bytes(16), use, options)).rejects.toThrow();
        await expect(provider.decrypt({ ciphertext: bytes(16) }, use, options)).rejects.toThrow();
      }
    const sign = { key: secret, algorithm: "RS256" };
    await expect(provider.sign(bytes(32), sign, options)).rejects.toThrow();
    await expect(provider.verify(bytes(32), bytes(256), sign, options)).rejects.toThrow();
  });
}
