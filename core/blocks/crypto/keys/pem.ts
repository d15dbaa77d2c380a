import { jwkOf } from "./jwk.ts";
import { fromBase64, toBase64 } from "#core/util/base64.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { der, derSequence, type DerValue, derValues, tags } from "./der.ts";
import { ecPublicKey, kindOfOids, rsaEncryption } from "./key-kinds.ts";

/** The first key (or certificate) of a PEM text. Private keys in PKCS#8, PKCS#1 and SEC 1, public ones in SPKI and PKCS#1; none that is encrypted. */
export async function parsePem(text: string): Promise<Jwk> {
  const { label, base64 } = firstBlock(text);
  const bytes = fromBase64(base64);
  switch (label) {
    case "PRIVATE KEY":
      return fromPkcs8(bytes);
    case "RSA PRIVATE KEY":
      return fromPkcs8(pkcs8(der(tags.sequence, hex(rsaEncryption, tags.oid), nothing), bytes));
    case "EC PRIVATE KEY":
      return fromPkcs8(pkcs8(ecAlgorithm(bytes), bytes));
    case "PUBLIC KEY":
      return fromSpki(bytes);
    case "RSA PUBLIC KEY":
      return fromSpki(
        der(
          tags.sequence,
          der(tags.sequence, hex(rsaEncryption, tags.oid), nothing),
          der(tags.bitString, Uint8Array.of(0), bytes),
        ),
      );
    case "CERTIFICATE":
      return fromSpki(certified(bytes));
    default:
      throw new Error(`a PEM block ${label} is not supported`);
  }
}

/** Searches without a pattern: one for all of it takes a time that a caller could make long. */
function firstBlock(text: string): { readonly label: string; readonly base64: string } {
  const begin = /-----BEGIN ([A-Z0-9 ]{1,64})-----/.exec(text);
  const label = begin?.[1] ?? "";
  const start = (begin?.index ?? 0) + (begin?.[0].length ?? 0);
  const end = begin ? text.indexOf(`-----END ${label}-----`, start) : -1;
  if (end === -1) throw new Error("no PEM block that can be read");
  return { label, base64: text.slice(start, end).replace(/\s/g, "") };
}

/** A public key's DER as PEM. */
export function publicPem(spki: Uint8Array): string {
  const lines = toBase64(spki).replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`;
}

const nothing = der(tags.null);

async function fromPkcs8(bytes: Uint8Array): Promise<Jwk> {
  const [, algorithm] = derSequence(bytes);
  const kind = kindOfOids(oidsOf(algorithm));
  return exported(
    await crypto.subtle.importKey("pkcs8", bytesOf(bytes), kind.algorithm, true, [
      ...kind.privateUsages,
    ]),
  );
}
async function fromSpki(bytes: Uint8Array): Promise<Jwk> {
  const [algorithm] = derSequence(bytes);
  const kind = kindOfOids(oidsOf(algorithm));
  return exported(
    await crypto.subtle.importKey("spki", bytesOf(bytes), kind.algorithm, true, [
      ...kind.publicUsages,
    ]),
  );
}
/** What WebCrypto adds says how it was imported here, not what the key may do. */
async function exported(key: CryptoKey): Promise<Jwk> {
  const { key_ops: _ops, ext: _ext, alg: _alg, ...jwk } = await crypto.subtle.exportKey("jwk", key);
  return jwkOf(jwk);
}

function oidsOf(algorithm: DerValue | undefined): readonly string[] {
  if (algorithm?.tag !== tags.sequence) throw new Error("malformed key");
  return derValues(algorithm.content)
    .filter(({ tag }) => tag === tags.oid)
    .map(({ content }) => Array.from(content, hexOf).join(""));
}

function pkcs8(algorithm: Uint8Array, key: Uint8Array): Uint8Array {
  const version = der(tags.integer, Uint8Array.of(0));
  return der(tags.sequence, version, algorithm, der(tags.octetString, key));
}
/** SEC 1 names the curve inside, in `[0]`. */
function ecAlgorithm(sec1: Uint8Array): Uint8Array {
  const curve = derSequence(sec1).find(({ tag }) => tag === tags.context0);
  if (!curve) throw new Error("the EC key does not name its curve");
  return der(tags.sequence, hex(ecPublicKey, tags.oid), curve.content);
}
/** The public key of an X.509 certificate: the value after its subject. */
function certified(certificate: Uint8Array): Uint8Array {
  const [body] = derSequence(certificate);
  const fields = body ? derValues(body.content) : [];
  const spki = fields[fields[0]?.tag === tags.context0 ? 6 : 5];
  if (!spki) throw new Error("malformed certificate");
  return spki.whole;
}

function hex(text: string, tag: number): Uint8Array {
  const bytes = (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return der(tag, Uint8Array.from(bytes));
}
function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
