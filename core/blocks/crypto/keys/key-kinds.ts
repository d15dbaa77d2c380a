import type { Jwk } from "#core/ports/crypto-provider.ts";

/** How WebCrypto takes a key of one kind, whatever it is then used for. */
export interface KeyKind {
  readonly algorithm: RsaHashedImportParams | EcKeyImportParams | Algorithm;
  readonly privateUsages: readonly KeyUsage[];
  readonly publicUsages: readonly KeyUsage[];
}

const rsa: KeyKind = {
  algorithm: { name: "RSA-OAEP", hash: "SHA-256" },
  privateUsages: ["decrypt"],
  publicUsages: ["encrypt"],
};
const ec = (namedCurve: string): KeyKind => ({
  algorithm: { name: "ECDSA", namedCurve },
  privateUsages: ["sign"],
  publicUsages: ["verify"],
});
const ed25519: KeyKind = {
  algorithm: { name: "Ed25519" },
  privateUsages: ["sign"],
  publicUsages: ["verify"],
};
const x25519: KeyKind = {
  algorithm: { name: "X25519" },
  privateUsages: ["deriveBits"],
  publicUsages: [],
};

/** By type and curve of a JWK. */
const byName: ReadonlyMap<string, KeyKind> = new Map([
  ["RSA", rsa],
  ["EC P-256", ec("P-256")],
  ["EC P-384", ec("P-384")],
  ["EC P-521", ec("P-521")],
  ["OKP Ed25519", ed25519],
  ["OKP X25519", x25519],
]);

export const rsaEncryption = "2a864886f70d010101";
export const ecPublicKey = "2a8648ce3d0201";
/** By object identifiers, in hexadecimal: the algorithm, and the curve where it has one. */
const byOid: ReadonlyMap<string, string> = new Map([
  [rsaEncryption, "RSA"],
  [`${ecPublicKey} 2a8648ce3d030107`, "EC P-256"],
  [`${ecPublicKey} 2b81040022`, "EC P-384"],
  [`${ecPublicKey} 2b81040023`, "EC P-521"],
  ["2b6570", "OKP Ed25519"],
  ["2b656e", "OKP X25519"],
]);

export function kindOfJwk({ kty, crv }: Jwk): KeyKind {
  return known(byName.get(typeof crv === "string" ? `${kty} ${crv}` : kty));
}
export function kindOfOids(oids: readonly string[]): KeyKind {
  return known(byName.get(byOid.get(oids.join(" ")) ?? ""));
}
function known(kind: KeyKind | undefined): KeyKind {
  if (!kind) throw new Error("unsupported key type");
  return kind;
}
