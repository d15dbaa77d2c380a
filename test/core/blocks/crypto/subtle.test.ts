import {
  createHash,
  createPublicKey,
  verify as verifyWithNode,
  createSign,
  generateKeyPairSync,
  type JsonWebKey,
  constants,
} from "node:crypto";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import { describe, expect, it } from "vitest";
import { subtleCryptoGrpc } from "#core/blocks/crypto/subtle-grpc.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";
import { appWith, httpOf, privateJwk, rsaKey, secretKey } from "./support.ts";

const keys = {
  aes: secretKey(32),
  signing: secretKey(32, { use: "sig" }),
  gcmOnly: secretKey(32, { alg: "A256GCM", key_ops: ["encrypt", "decrypt"] }),
  rsa: { ...rsaKey(), kid: "rsa" } as Jwk,
  ed25519: privateJwk(generateKeyPairSync("ed25519").privateKey),
  p256: privateJwk(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
};
const app = appWith(keys);
const http = httpOf(app);
const grpc = grpcClient(app, {}, [subtleCryptoGrpc]);
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64");
const bytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** The JSON answer of a subtle route. */
async function post(
  verb: string,
  body: unknown,
  call = http,
  component = "vault",
): Promise<Record<string, unknown>> {
  const answer = await call(`subtlecrypto/${component}/${verb}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: answer.status, ...((await answer.json()) as object) };
}
const refused = (errorCode: string, message: string, status = 400): object => ({
  status,
  errorCode,
  message,
});

describe("subtlecrypto.get_key", () => {
  it("gives the public part as PEM, or as a JWK with its members in order", async () => {
    const pem = await post("getkey", { name: "rsa" });
    expect(pem).toMatchObject({ status: 200, name: "rsa" });
    const { n, e } = createPublicKey(pem["publicKey"] as string).export({ format: "jwk" });
    expect({ n, e }).toEqual({ n: keys.rsa["n"], e: keys.rsa["e"] });
    const { publicKey } = await post("getkey", { name: "rsa", format: "JSON" });
    expect(publicKey).toBe(JSON.stringify({ e, kid: "rsa", kty: "RSA", n }));
    expect(
      await grpc.unary("SubtleGetKeyAlpha1", { componentName: "vault", name: "rsa", format: 1 }),
    ).toMatchObject({ name: "rsa", publicKey });
  });
  it("refuses a symmetric key, an unknown one, and an unknown format", async () => {
    const missing = (name: string): object =>
      refused("ERR_CRYPTO_KEY", `failed to retrieve key ${name}: key not found`, 500);
    expect(await post("getkey", { name: "aes" })).toEqual(missing("aes"));
    expect(await post("getkey", { name: "nope" })).toEqual(missing("nope"));
    expect(await post("getkey", { name: "rsa", format: 7 })).toEqual(
      refused("ERR_BAD_REQUEST", "invalid request: invalid key format"),
    );
    expect(await post("getkey", { name: "rsa", format: "XML" })).toMatchObject({
      status: 400,
      errorCode: "ERR_MALFORMED_REQUEST",
    });
    const failure = await grpcError(
      grpc.unary("SubtleGetKeyAlpha1", { componentName: "vault", name: "aes" }),
    );
    expect(failure.spec.grpc).toBe(13);
  });
});

describe("subtlecrypto.encrypt and subtlecrypto.decrypt", () => {
  it.each([
    ["A256CBC", "aes", 16],
    ["A256GCM", "gcmOnly", 12],
    ["A256KW", "aes", 0],
    ["XC20P", "aes", 24],
    ["RSA-OAEP-256", "rsa", 0],
  ])("undo each other over both wires (%s)", async (algorithm, keyName, nonceBytes) => {
    const plaintext = bytes(32);
    const nonce = bytes(nonceBytes);
    const associatedData = bytes(5);
    const common = {
      algorithm,
      keyName,
      nonce: base64(nonce),
      associatedData: base64(associatedData),
    };
    const { status, ...sealed } = await post("encrypt", {
      ...common,
      plaintext: base64(plaintext),
    });
    expect(status).toBe(200);
    expect("tag" in sealed).toBe(algorithm === "A256GCM" || algorithm === "XC20P");
    const back = await grpc.unary("SubtleDecryptAlpha1", {
      componentName: "vault",
      algorithm,
      keyName,
      nonce,
      associatedData,
      ciphertext: Buffer.from(sealed["ciphertext"] as string, "base64"),
      tag: Buffer.from((sealed["tag"] ?? "") as string, "base64"),
    });
    expect(new Uint8Array(back.plaintext)).toEqual(plaintext);
    const again = await grpc.unary("SubtleEncryptAlpha1", {
      componentName: "vault",
      algorithm,
      keyName,
      nonce,
      associatedData,
      plaintext,
    });
    const answer = await post("decrypt", {
      ...common,
      ciphertext: base64(again.ciphertext),
      tag: base64(again.tag),
    });
    expect(answer).toEqual({ status: 200, plaintext: base64(plaintext) });
  });
  it("say no more than that they failed", async () => {
    const common = { algorithm: "A256GCM", keyName: "aes", nonce: base64(bytes(12)) };
    const encryption = refused("ERR_CRYPTO", "failed to perform operation: failed to encrypt", 500);
    const decryption = refused("ERR_CRYPTO", "failed to perform operation: failed to decrypt", 500);
    for (const wrong of [
      { keyName: "nope" },
      { keyName: "rsa" },
      { keyName: "signing" },
      { keyName: "gcmOnly", algorithm: "A256CBC", nonce: base64(bytes(16)) },
      { nonce: "" },
      { nonce: base64(bytes(13)) },
      { algorithm: "A128GCM" },
      { algorithm: "ROT13" },
      { algorithm: "" },
      { algorithm: "__proto__" },
      { algorithm: "ECDH-ES" },
    ]) {
      expect(await post("encrypt", { ...common, plaintext: "eA==", ...wrong })).toEqual(encryption);
      expect(
        await post("decrypt", { ...common, ciphertext: "eA==", tag: base64(bytes(16)), ...wrong }),
      ).toEqual(decryption);
    }
    const { status: _, ...sealed } = await post("encrypt", { ...common, plaintext: "eA==" });
    for (const wrong of [
      { tag: base64(bytes(16)) },
      { tag: base64(bytes(15)) },
      { tag: "" },
      { ciphertext: "eQ==" },
      { associatedData: "eA==" },
    ])
      expect(await post("decrypt", { ...common, ...sealed, ...wrong })).toEqual(decryption);
    const cbc = { algorithm: "A256CBC", keyName: "aes", nonce: base64(bytes(16)) };
    for (const ciphertext of [bytes(15), bytes(17), bytes(32)])
      expect(await post("decrypt", { ...cbc, ciphertext: base64(ciphertext) })).toEqual(decryption);
    const failure = await grpcError(
      grpc.unary("SubtleDecryptAlpha1", {
        componentName: "vault",
        algorithm: "A256GCM",
        keyName: "aes",
      }),
    );
    expect([failure.spec.grpc, failure.message]).toEqual([
      13,
      "failed to perform operation: failed to decrypt",
    ]);
  });
});

describe("subtlecrypto.wrap_key and subtlecrypto.unwrap_key", () => {
  const secret = bytes(32);
  const jwk = (k: Uint8Array): string =>
    JSON.stringify({ kty: "oct", k: Buffer.from(k).toString("base64url") });
  it.each([
    ["bytes", secret],
    ["base64", Buffer.from(base64(secret))],
    ["a JWK", Buffer.from(jwk(secret))],
  ])("take a key as %s", async (_, given) => {
    const wrapped = await post("wrapkey", {
      algorithm: "A256KW",
      keyName: "aes",
      plaintextKey: base64(given),
    });
    expect(wrapped).toEqual({ status: 200, wrappedKey: expect.any(String) });
    const { wrappedKey } = wrapped;
    expect(await post("unwrapkey", { algorithm: "A256KW", keyName: "aes", wrappedKey })).toEqual({
      status: 200,
      plaintextKey: base64(secret),
    });
  });
  it("take a private key, and give it back in PKCS#8", async () => {
    const plaintextKey = Buffer.from(JSON.stringify(keys.ed25519));
    const common = {
      componentName: "vault",
      algorithm: "A256GCM",
      keyName: "aes",
      nonce: bytes(12),
    };
    const { wrappedKey, tag } = await grpc.unary("SubtleWrapKeyAlpha1", {
      ...common,
      plaintextKey,
    });
    const back = await grpc.unary("SubtleUnwrapKeyAlpha1", { ...common, wrappedKey, tag });
    const key = await crypto.subtle.importKey("pkcs8", back.plaintextKey, "Ed25519", true, [
      "sign",
    ]);
    expect((await crypto.subtle.exportKey("jwk", key)).d).toBe(keys.ed25519["d"]);
  });
  it("refuse what is not a key, a key that may not wrap, and what was wrapped otherwise", async () => {
    const wrap = (plaintextKey: string, keyName = "aes"): Promise<object> =>
      post("wrapkey", { algorithm: "A256KW", keyName, plaintextKey: base64(plaintextKey) });
    const why = "failed to perform operation: failed to parse plaintext key: ";
    expect(await wrap("")).toEqual(refused("ERR_CRYPTO", `${why}key is empty`, 500));
    expect(await wrap('{"kty":"what"}')).toEqual(
      refused("ERR_CRYPTO", `${why}invalid key type`, 500),
    );
    expect(await wrap("{")).toEqual(refused("ERR_CRYPTO", `${why}the JWK is not valid JSON`, 500));
    expect(await wrap("0123456789abcdef!", "aes")).toMatchObject({ errorCode: "ERR_CRYPTO" });
    expect(await wrap("0123456789abcde!", "gcmOnly")).toEqual(
      refused("ERR_CRYPTO", "failed to perform operation: failed to wrap key", 500),
    );
    expect(
      await post("unwrapkey", {
        algorithm: "A256KW",
        keyName: "aes",
        wrappedKey: base64(bytes(40)),
      }),
    ).toEqual(refused("ERR_CRYPTO", "failed to perform operation: failed to unwrap key", 500));
  });
});

describe("subtlecrypto.sign and subtlecrypto.verify", () => {
  const message = bytes(99);
  const publicKey = createPublicKey({ key: keys.rsa as JsonWebKey, format: "jwk" });
  it.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])(
    "work on a digest, as other software does on the message (%s)",
    async (algorithm) => {
      const hash = `sha${algorithm.slice(2)}`;
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING };
      const padding = algorithm.startsWith("PS") ? pss : {};
      const digest = base64(createHash(hash).update(message).digest());
      const common = { algorithm, keyName: "rsa", digest };
      const { signature } = await post("sign", common);
      const mine = Buffer.from(signature as string, "base64");
      expect(verifyWithNode(hash, message, { key: publicKey, ...padding }, mine)).toBe(true);
      expect(await post("verify", { ...common, signature })).toEqual({ status: 200, valid: true });
      for (const saltLength of [
        constants.RSA_PSS_SALTLEN_DIGEST,
        constants.RSA_PSS_SALTLEN_MAX_SIGN,
        0,
      ]) {
        const theirs = createSign(hash)
          .update(message)
          .sign({ key: keys.rsa as object, format: "jwk", ...padding, saltLength } as never);
        expect(await post("verify", { ...common, signature: base64(theirs) })).toEqual({
          status: 200,
          valid: true,
        });
      }
    },
  );
  it("say false for a signature of something else, of another length, or none", async () => {
    for (const [algorithm, keyName, length] of [
      ["RS256", "rsa", 256],
      ["PS256", "rsa", 256],
      ["EdDSA", "ed25519", 64],
      ["ES256", "p256", undefined],
    ] as const) {
      const common = { componentName: "vault", algorithm, keyName };
      const { signature } = await grpc.unary("SubtleSignAlpha1", { ...common, digest: bytes(32) });
      if (length !== undefined) expect(signature).toHaveLength(length);
      const changed = new Uint8Array(signature).fill(255);
      for (const each of [
        signature,
        changed,
        bytes(signature.length),
        bytes(signature.length - 1),
        bytes(signature.length + 1),
        bytes(0),
      ])
        expect(
          await grpc.unary("SubtleVerifyAlpha1", { ...common, digest: bytes(32), signature: each }),
        ).toMatchObject({ valid: false });
    }
    const wrong = {
      algorithm: "RS256",
      keyName: "rsa",
      digest: base64(bytes(32)),
      signature: "eA==",
    };
    // Protobuf leaves out what is false.
    expect(await post("verify", wrong)).toEqual({ status: 200 });
  });
  it.each([
    [{ algorithm: "RS256", keyName: "nope" }],
    [{ algorithm: "RS256", keyName: "ed25519" }],
    [{ algorithm: "RS256", keyName: "aes" }],
    [{ algorithm: "EdDSA", keyName: "rsa" }],
    [{ algorithm: "ES256", keyName: "ed25519" }],
    [{ algorithm: "HS256", keyName: "signing" }],
    [{ algorithm: "none", keyName: "rsa" }],
    [{ algorithm: "RS512", keyName: "rsa" }],
  ])("refuse %j", async (given) => {
    const body = { ...given, digest: base64(bytes(32)), signature: base64(bytes(256)) };
    expect(await post("sign", body)).toEqual(
      refused("ERR_CRYPTO", "failed to perform operation: failed to sign", 500),
    );
    expect(await post("verify", body)).toEqual(
      refused("ERR_CRYPTO", "failed to perform operation: failed to verify signature", 500),
    );
  });
});

describe("the subtle routes", () => {
  const verbs = ["getkey", "encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify"];
  const rpcs = [
    "SubtleGetKeyAlpha1",
    "SubtleEncryptAlpha1",
    "SubtleDecryptAlpha1",
    "SubtleWrapKeyAlpha1",
    "SubtleUnwrapKeyAlpha1",
    "SubtleSignAlpha1",
    "SubtleVerifyAlpha1",
  ] as const;
  it.each(verbs)("refuse a provider that is not there (%s)", async (verb) => {
    const none = httpOf(fakeApp());
    expect(await post(verb, {}, none)).toEqual(
      refused("ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED", "crypto providers not configured", 500),
    );
    expect(await post(verb, "", http, "nope")).toEqual(
      refused("ERR_CRYPTO_PROVIDER_NOT_FOUND", "crypto provider nope not found"),
    );
  });
  it.each(rpcs)("refuse a provider that is not there (%s)", async (rpc) => {
    const error = async (componentName: string, client = grpc): Promise<unknown> => {
      const { spec, message } = await grpcError(client.unary(rpc, { componentName }));
      return [spec.grpc, message];
    };
    expect(await error("x", grpcClient(fakeApp(), {}, [subtleCryptoGrpc]))).toEqual([
      13,
      "crypto providers not configured",
    ]);
    expect(await error("nope")).toEqual([3, "crypto provider nope not found"]);
    expect(await error("")).toEqual([3, "invalid request: missing component name"]);
  });
  it.each([
    ["[]", "a message is an object, not array"],
    ["null", "a message is an object, not null"],
    ["{", "unexpected EOF"],
    ['{"keyName":7}', "field keyName must be string, not number"],
    ['{"plaintext":"a"}', "field plaintext is not valid base64"],
    ['{"plaintext":"*"}', "field plaintext is not valid base64"],
    ["[".repeat(100_000), ""],
  ])("refuse a body that is not a message (%#)", async (body, why) => {
    const answer = await post("encrypt", body);
    expect(answer).toMatchObject({ status: 400, errorCode: "ERR_MALFORMED_REQUEST" });
    expect(answer["message"]).toContain(`failed deserializing HTTP body: ${why}`);
  });
  it("refuse a body past the limit", async () => {
    const body = JSON.stringify({ plaintext: "x".repeat(2000) });
    expect(await post("encrypt", body, httpOf(appWith(keys, { maxBodyBytes: 1000 })))).toEqual(
      refused("ERR_BODY_READ", "failed to read request body: stream too large"),
    );
  });
  it("take protobuf's other spellings: snake case, URL-safe base64, enums by number", async () => {
    const nonce = Buffer.alloc(12, 0xfb);
    const given = {
      key_name: "aes",
      algorithm: "A256GCM",
      plaintext: "-_8",
      nonce: nonce.toString("base64url"),
      unknown: 1,
      associatedData: null,
    };
    const { status, ...sealed } = await post("encrypt", given);
    expect(status).toBe(200);
    expect(await post("decrypt", { ...given, ...sealed })).toEqual({
      status: 200,
      plaintext: "+/8=",
    });
    expect(await post("getkey", { name: "rsa", format: 1 })).toMatchObject({ status: 200 });
  });
});
