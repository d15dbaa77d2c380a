import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { createPrivateKey, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { KeyPair } from "./certificate-state.ts";

// Heavy to load: import this file only by `import()`, when a certificate is to be made.

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
type Key = Parameters<typeof webcrypto.subtle.exportKey>[1];

/** Clocks of API servers differ from ours. */
const mostSkewMs = 15 * 60_000;

export async function makeAuthority(now: number, lifeMs: number): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Each has a name of its own, so that a chain is found among several at once.
    name: `CN=outrigger-injector-ca ${new Date(now).toISOString()}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity(now, lifeMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemLines(certificate), privateKey: await pemOf(keys.privateKey) };
}

/** A certificate for servers of these names and addresses; it does not outlive its issuer. */
export async function makeServing(
  issuer: KeyPair,
  names: readonly string[],
  now: number,
  lifeMs: number,
): Promise<KeyPair> {
  const of = new X509Certificate(issuer.certificate);
  const keys = await newKeys();
  const { notBefore, notAfter } = validity(now, lifeMs);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=outrigger-injector`,
    issuer: of.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(issuer.privateKey),
    signingAlgorithm: algorithm,
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), of.notAfter.getTime())),
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      await AuthorityKeyIdentifierExtension.create(of.publicKey),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
      ),
    ],
  });
  return { certificate: pemLines(certificate), privateKey: await pemOf(keys.privateKey) };
}

/** Back-dated by what clocks differ, but not by more than the life itself. */
function validity(now: number, lifeMs: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(now - Math.min(mostSkewMs, lifeMs)),
    notAfter: new Date(now + lifeMs),
  };
}
function pemLines(certificate: X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}
async function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}
async function pemOf(key: Key): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return String(
    createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({
      type: "pkcs8",
      format: "pem",
    }),
  );
}
async function importKey(pem: string): Promise<Key> {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}
