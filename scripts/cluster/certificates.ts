/** The cluster's own certificate authority. */
import "reflect-metadata";
import { type KeyObject, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const yearMs = 365 * 24 * 3_600_000;

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}
export interface Names {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}
export interface Authority extends Pair {
  /** For server and client; `subject` as in `O=system:nodes,CN=system:node:a`. */
  issue(subject: string, names: Names): Promise<Pair>;
}

/** A new authority; everything of it is valid for a year. */
export async function createAuthority(): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: "CN=outrigger-test-cluster",
    keys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (subject: string, { dns = [], ip = [] }: Names): Promise<Pair> => {
    const own = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const leaf = await X509CertificateGenerator.create({
      subject,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([
          ...dns.map((value) => ({ type: "dns", value }) as const),
          ...ip.map((value) => ({ type: "ip", value }) as const),
        ]),
      ],
    });
    return { cert: leaf.toString("pem"), key: await keyText(own.privateKey) };
  };
  return { cert: root.toString("pem"), key: await keyText(keys.privateKey), issue };
}

/** The pair that signs service-account tokens; RSA, as in most clusters. */
export async function signingPair(): Promise<{
  readonly privateKey: string;
  readonly publicKey: string;
}> {
  const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const text = (key: KeyObject, type: "pkcs8" | "spki"): string =>
    key.export({ format: "pem", type }).toString();
  return {
    privateKey: text(pair.privateKey, "pkcs8"),
    publicKey: text(pair.publicKey, "spki"),
  };
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 60_000), notAfter: new Date(now + yearMs) };
}
async function keyText(key: Parameters<typeof crypto.subtle.exportKey>[1]): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----\n`;
}
