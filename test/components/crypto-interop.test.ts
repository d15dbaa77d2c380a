import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { keys as localStorage } from "#components/crypto-local-storage/manifest.ts";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { httpOf, options, sample } from "#test/core/blocks/crypto/support.ts";
import { buildGo, findGo, runProgram } from "#test/interop/go-program.ts";

const go = findGo();
const pkcs8 = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Names and contents of key files; Dapr reads the same ones. */
const keyFiles: Readonly<Record<string, string | Uint8Array>> = {
  "secret-16": randomBytes(16),
  "secret-24": randomBytes(24).toString("base64"),
  "secret-32": randomBytes(32).toString("base64url"),
  "secret-48": randomBytes(48).toString("base64"),
  "secret-64": JSON.stringify({ kty: "oct", k: randomBytes(64).toString("base64url") }),
  "rsa.pem": pkcs8(rsa.privateKey),
  "rsa-pkcs1.pem": rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
  "rsa-public.pem": rsa.publicKey.export({ type: "spki", format: "pem" }).toString(),
  "p256.pem": pkcs8(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
  "p384.pem": generateKeyPairSync("ec", { namedCurve: "P-384" })
    .privateKey.export({ type: "sec1", format: "pem" })
    .toString(),
  "p521.pem": pkcs8(generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey),
  "ed25519.pem": pkcs8(generateKeyPairSync("ed25519").privateKey),
};
const folder = dirname(temporaryFile("keys"));
for (const [name, content] of Object.entries(keyFiles)) writeFileSync(join(folder, name), content);

/** Wrap algorithm, and the keys that encrypt and decrypt with it. */
const wrapping = [
  ["A256KW", "secret-32", "secret-32"],
  ["AES", "secret-32", "secret-32"],
  ["A128CBC-NOPAD", "secret-16", "secret-16"],
  ["A192CBC-NOPAD", "secret-24", "secret-24"],
  ["A256CBC-NOPAD", "secret-32", "secret-32"],
  ["RSA-OAEP-256", "rsa-public.pem", "rsa.pem"],
  ["RSA", "rsa-pkcs1.pem", "rsa-pkcs1.pem"],
] as const;
const ciphers = ["AES-GCM", "CHACHA20-POLY1305"] as const;
const sizes = [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000];

const symmetric: ReadonlyArray<readonly [algorithm: string, key: string, nonceBytes: number]> = [
  ...["128", "192", "256"].flatMap((bits): ReadonlyArray<readonly [string, string, number]> => [
    [`A${bits}CBC`, `secret-${Number(bits) / 8}`, 16],
    [`A${bits}CBC-NOPAD`, `secret-${Number(bits) / 8}`, 16],
    [`A${bits}GCM`, `secret-${Number(bits) / 8}`, 12],
    [`A${bits}KW`, `secret-${Number(bits) / 8}`, 0],
  ]),
  ["A128CBC-HS256", "secret-32", 16],
  ["A192CBC-HS384", "secret-48", 16],
  ["A256CBC-HS512", "secret-64", 16],
  ["C20P", "secret-32", 12],
  ["C20PKW", "secret-32", 12],
  ["XC20P", "secret-32", 24],
  ["XC20PKW", "secret-32", 24],
];

const signing: ReadonlyArray<readonly [algorithm: string, key: string, hash: string]> = [
  ...["RS", "PS"].flatMap((kind) =>
    ["256", "384", "512"].map((bits): readonly [string, string, string] => [
      `${kind}${bits}`,
      "rsa.pem",
      `sha${bits}`,
    ]),
  ),
  ["ES256", "p256.pem", "sha256"],
  ["ES384", "p384.pem", "sha384"],
  ["ES512", "p521.pem", "sha512"],
  ["ES256", "p521.pem", "sha256"],
  ["ES512", "p256.pem", "sha512"],
  ["EdDSA", "ed25519.pem", "none"],
];

describe.skipIf(!go)(`with Dapr's own library${go ? "" : " (skipped: no Go here)"}`, () => {
  let program: string;
  let provider: CryptoProvider;
  let fetch: ReturnType<typeof httpOf>;
  const file = (name: string): string => join(folder, name);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

  beforeAll(async () => {
    program = await buildGo(go as string, "crypto");
    provider = await openComponent(localStorage, { path: folder });
    fetch = httpOf(fakeApp({ components: [{ kind: "crypto", name: "vault", port: provider }] }));
  }, 300_000);

  async function put(
    verb: "encrypt" | "decrypt",
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Uint8Array> {
    const answer = await fetch(`crypto/vault/${verb}`, {
      method: "PUT",
      headers,
      body: body.slice(),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status !== 200) throw new Error(new TextDecoder().decode(bytes));
    return bytes;
  }

  describe.each(wrapping)("a document under %s", (algorithm, encryptKey, decryptKey) => {
    test.each(ciphers)("with %s, ours for Dapr", async (cipher) => {
      for (const size of sizes) {
        const plaintext = sample(size);
        const document = await put("encrypt", plaintext, {
          "dapr-key-name": encryptKey,
          "dapr-key-wrap-algorithm": algorithm,
          "dapr-data-encryption-cipher": cipher,
        });
        const back = await runProgram(program, ["decrypt", file(decryptKey), "-"], document);
        expect(hex(back) === hex(plaintext), `${size} bytes`).toBe(true);
      }
    });
    test.each(ciphers)("with %s, Dapr's for us", async (cipher) => {
      for (const size of sizes) {
        const plaintext = sample(size);
        const args = ["encrypt", file(encryptKey), algorithm, cipher, decryptKey];
        const document = await runProgram(program, args, plaintext);
        expect(hex(await put("decrypt", document)) === hex(plaintext), `${size} bytes`).toBe(true);
      }
    });
  });

  test.each(symmetric)("%s, there and back", async (algorithm, key, nonceBytes) => {
    const nonce = randomBytes(nonceBytes);
    const associatedData = randomBytes(20);
    const plaintext = randomBytes(48);
    const args = [file(key), algorithm, hex(nonce), hex(associatedData)];
    const use = { key, algorithm, nonce, associatedData };
    const { ciphertext, tag } = await provider.encrypt(plaintext, use, options);
    const sealed = Buffer.concat([ciphertext, tag ?? new Uint8Array(0)]);
    // All of these give the same for the same nonce.
    expect(hex(await runProgram(program, ["seal", ...args], plaintext))).toBe(hex(sealed));
    expect(hex(await runProgram(program, ["open", ...args], sealed))).toBe(hex(plaintext));
    const opened = await provider.decrypt(tag ? { ciphertext, tag } : { ciphertext }, use, options);
    expect(hex(opened)).toBe(hex(plaintext));
  });

  test.each(["RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"])(
    "%s, there and back",
    async (algorithm) => {
      const plaintext = randomBytes(32);
      for (const label of [new Uint8Array(0), randomBytes(9)]) {
        const use = { key: "rsa.pem", algorithm, associatedData: label };
        const ours = await provider.encrypt(plaintext, { ...use, key: "rsa-public.pem" }, options);
        const args = [file("rsa.pem"), algorithm, "", hex(label)];
        expect(hex(await runProgram(program, ["open", ...args], ours.ciphertext))).toBe(
          hex(plaintext),
        );
        const ciphertext = await runProgram(program, ["seal", ...args], plaintext);
        expect(hex(await provider.decrypt({ ciphertext }, use, options))).toBe(hex(plaintext));
      }
    },
  );

  test.each(signing)("a signature by %s, there and back", async (algorithm, key, hash) => {
    const message = randomBytes(100);
    const digest = hash === "none" ? message : createHash(hash).update(message).digest();
    const use = { key, algorithm };
    const ours = await provider.sign(digest, use, options);
    const verified = await runProgram(program, ["verify", file(key), algorithm, hex(ours)], digest);
    expect(new TextDecoder().decode(verified)).toBe("true");
    const theirs = await runProgram(program, ["sign", file(key), algorithm], digest);
    expect(await provider.verify(digest, theirs, use, options)).toBe(true);
    theirs[9] = (theirs[9] as number) ^ 1;
    expect(await provider.verify(digest, theirs, use, options)).toBe(false);
  });

  test("what Dapr refuses of a document of ours, it refuses for the same reason as we do", async () => {
    const document = await put("encrypt", sample(200_000), {
      "dapr-key-name": "secret-32",
      "dapr-key-wrap-algorithm": "AES",
    });
    const damaged = [
      [document.subarray(0, -1), "error processing segment 3: failed to decrypt segment"],
      [document.subarray(0, 100), "invalid header: manifest not found"],
      [
        new TextEncoder().encode("dapr.io/enc/v2\n{}\nAA==\n"),
        "invalid header: unsupported scheme",
      ],
      [new Uint8Array(0), "invalid header: scheme name not found"],
    ] as const;
    for (const [bytes, why] of damaged) {
      await expect(put("decrypt", bytes)).rejects.toThrow(`failed to perform operation: ${why}`);
      const theirs = runProgram(program, ["decrypt", file("secret-32"), "-"], bytes);
      await expect(theirs).rejects.toThrow(why);
    }
  });
});
