import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseKey } from "#core/blocks/crypto/keys/parse-key.ts";
import { serializeKey } from "#core/blocks/crypto/keys/serialize-key.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const bytes = (text: string | Uint8Array): Uint8Array => new Uint8Array(Buffer.from(text));
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = (key: KeyObject, type: "pkcs1" | "pkcs8" | "sec1" | "spki"): Uint8Array =>
  bytes(key.export({ type, format: "pem" } as never).toString());
const material = (key: KeyObject): object => key.export({ format: "jwk" });

describe("a key in PEM", () => {
  it.each(["pkcs8", "pkcs1"] as const)("is read when it is RSA, private, in %s", async (type) => {
    expect(await parseKey(pem(rsa.privateKey, type))).toEqual(material(rsa.privateKey));
  });
  it.each(["spki", "pkcs1"] as const)("is read when it is RSA, public, in %s", async (type) => {
    expect(await parseKey(pem(rsa.publicKey, type))).toEqual(material(rsa.publicKey));
  });
  it.each(["P-256", "P-384", "P-521"])("is read when it is of the curve %s", async (namedCurve) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    for (const type of ["pkcs8", "sec1"] as const)
      expect(await parseKey(pem(privateKey, type))).toEqual(material(privateKey));
    expect(await parseKey(pem(publicKey, "spki"))).toEqual(material(publicKey));
  });
  it.each(["ed25519", "x25519"] as const)("is read when it is %s", async (type) => {
    const { privateKey, publicKey } = generateKeyPairSync(type as "ed25519");
    expect(await parseKey(pem(privateKey, "pkcs8"))).toEqual(material(privateKey));
    expect(await parseKey(pem(publicKey, "spki"))).toEqual(material(publicKey));
  });
  it("is read out of a certificate", async () => {
    const keyFile = temporaryFile("key.pem");
    const command = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"];
    let certificate: Buffer;
    try {
      certificate = execFileSync("openssl", [...command, "-keyout", keyFile], { stdio: "pipe" });
    } catch (reason) {
      // Only where the command is missing; whatever else goes wrong is a fault.
      if ((reason as NodeJS.ErrnoException).code === "ENOENT") return;
      throw reason;
    }
    const { publicKey } = new X509Certificate(certificate);
    expect(await parseKey(bytes(certificate))).toEqual(material(publicKey));
  });
  it("may have text around it and Windows' line ends", async () => {
    const text = Buffer.from(pem(rsa.publicKey, "spki")).toString();
    const around = bytes(`-----\r\n${text.replaceAll("\n", "\r\n")}\r\nthe end`);
    expect(await parseKey(around)).toEqual(material(rsa.publicKey));
  });
  it.each([
    ["-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----", "a PEM block SOMETHING is not"],
    ["-----BEGIN PRIVATE KEY-----\nAAAA\n", "no PEM block"],
    ["-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----", "illegal base64"],
    ["-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----", "illegal base64"],
    ["-----BEGIN PRIVATE KEY-----\nMIIEAAAA\n-----END PRIVATE KEY-----", "malformed ASN.1"],
    ["-----BEGIN PRIVATE KEY-----\nMAAwAA==\n-----END PRIVATE KEY-----", "malformed"],
    [
      "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----",
      "does not name its curve",
    ],
    ["-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "malformed certificate"],
  ])("is refused when it is %j", async (text, why) => {
    await expect(parseKey(bytes(text), "pem")).rejects.toThrow(why);
  });
  it("is refused in a time that its length bounds", async () => {
    for (const long of ["-----BEGIN A-----" + " ".repeat(2e6), "-----BEGIN A-----\n".repeat(1e5)])
      await expect(parseKey(bytes(long))).rejects.toThrow("no PEM block");
    await expect(parseKey(bytes(`${"=".repeat(2e6)}x`))).resolves.toMatchObject({ kty: "oct" });
  });
  it("is refused when it is of a kind that nobody here can use", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    await expect(parseKey(pem(privateKey, "pkcs8"))).rejects.toThrow("unsupported key type");
    const { privateKey: encrypted } = generateKeyPairSync("ed25519", {
      privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    await expect(parseKey(bytes(encrypted))).rejects.toThrow("ENCRYPTED PRIVATE KEY is not");
  });
});

describe("a key in other forms", () => {
  const k = (key: Uint8Array): object => ({
    kty: "oct",
    k: Buffer.from(key).toString("base64url"),
  });
  it("is a JWK when it begins with a brace, unless it is as long as a key", async () => {
    expect(await parseKey(bytes('{"kty":"oct","k":"eHg","kid":"a"}'))).toEqual({
      kty: "oct",
      k: "eHg",
      kid: "a",
    });
    const brace = bytes("{23456789abcdef!");
    expect(await parseKey(brace)).toEqual(k(brace));
    expect(await parseKey(bytes('{"kty":"oct"}    '), "jwk")).toMatchObject({ kty: "oct" });
  });
  it("is base64 in either alphabet where it can be, and else what it is", async () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    const base64 = Buffer.from(key).toString("base64");
    for (const text of [
      base64,
      `${base64}\n`,
      base64.replace("=", ""),
      Buffer.from(key).toString("base64url"),
    ])
      expect(await parseKey(bytes(text))).toEqual(k(key));
    expect(await parseKey(key)).toEqual(k(key));
    const phrase = bytes("passphrasewhichneedstobe32bytes!");
    expect(await parseKey(phrase)).toEqual(k(phrase));
  });
  it.each([
    ["", "key is empty"],
    ["{", "the JWK is not valid JSON"],
    ["{}", "invalid key type"],
    ['{"kty":"DSA"}', "invalid key type"],
    ['{"keys":[]}', "invalid key type"],
  ])("is refused when it is %j", async (text, why) => {
    await expect(parseKey(bytes(text))).rejects.toThrow(why);
  });
});

describe("a key as bytes", () => {
  it("is DER when it is asymmetric, its own bytes when it is not", async () => {
    const node = rsa.privateKey.export({ type: "pkcs8", format: "der" });
    const jwk = await parseKey(pem(rsa.privateKey, "pkcs1"));
    expect(Buffer.compare(await serializeKey(jwk), node)).toBe(0);
    const spki = rsa.publicKey.export({ type: "spki", format: "der" });
    const publicJwk = await parseKey(pem(rsa.publicKey, "pkcs1"));
    expect(Buffer.compare(await serializeKey(publicJwk), spki)).toBe(0);
    expect(await serializeKey({ kty: "oct", k: "AQID" })).toEqual(Uint8Array.of(1, 2, 3));
    await expect(serializeKey({ kty: "oct" })).rejects.toThrow("malformed JWK");
    await expect(serializeKey({ kty: "EC", crv: "P-1" })).rejects.toThrow("unsupported key type");
  });
});
