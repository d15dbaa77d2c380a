import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import { spiffeId, type Workload } from "#core/identity/workload.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
type Key = Parameters<typeof webcrypto.subtle.exportKey>[1];

/** A certificate with its chain, and the key it belongs to; PEM. */
export interface Credentials {
  readonly certificate: string;
  readonly privateKey: string;
}
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * A root that signs issuers, and is then forgotten but for its certificate; the issuer signs workloads. Names and key
 * ids are its own: OpenSSL finds a root by them, and while roots change several are trusted.
 */
export async function createRoot(
  trustDomain: string,
  now: number,
): Promise<{ readonly root: string; readonly issuer: Credentials }> {
  const id = randomBytes(4).toString("hex");
  const rootKeys = await newKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `O=${trustDomain}, CN=root ${id}`,
    keys: rootKeys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - skewMs),
    notAfter: new Date(now + 10 * yearMs),
    extensions: [
      ...caExtensions(1),
      await SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const keys = await newKeys();
  const issuer = await X509CertificateGenerator.create({
    subject: `O=${trustDomain}, CN=issuer ${id}`,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - skewMs),
    notAfter: new Date(now + yearMs),
    extensions: [
      ...caExtensions(0),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  return {
    root: root.toString("pem"),
    issuer: { certificate: issuer.toString("pem"), privateKey: await pemOf(keys.privateKey) },
  };
}
const skewMs = 15 * 60_000;
const yearMs = 365 * 24 * 3_600_000;

function caExtensions(depth: number) {
  return [
    new BasicConstraintsExtension(true, depth, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
}

/** A key pair and the request for its certificate, as PEM. What the request names counts for nothing. */
export async function createRequest(): Promise<{
  readonly privateKey: string;
  readonly csr: string;
}> {
  const keys = await newKeys();
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
  });
  return { privateKey: await pemOf(keys.privateKey), csr: request.toString("pem") };
}

/** Throws for a request that is none, or whose sender does not hold the key. */
export async function keyOfRequest(csr: string): Promise<PublicKey> {
  if (csr.length > mostPem) throw new Error("the certificate request is too large");
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(csr);
  } catch (reason) {
    throw new Error("the certificate request cannot be read", { cause: reason });
  }
  if (!(await request.verify().catch(() => false)))
    throw new Error("the certificate request is not signed with its own key");
  return request.publicKey;
}
const mostPem = 65_536;

/** One workload's certificate, then the issuer's. */
export async function issue(
  workload: Workload,
  publicKey: PublicKey,
  issuer: Credentials,
  validity: Validity,
): Promise<string> {
  const of = new X509Certificate(issuer.certificate);
  const leaf = await X509CertificateGenerator.create({
    issuer: of.subject,
    publicKey,
    signingKey: await importKey(issuer.privateKey),
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(
        [
          { type: "url", value: spiffeId(workload) },
          { type: "dns", value: `${workload.appId}.${workload.namespace}.svc.cluster.local` },
        ],
        true,
      ),
      await AuthorityKeyIdentifierExtension.create(of.publicKey),
    ],
  });
  return `${leaf.toString("pem")}\n${issuer.certificate.trim()}\n`;
}

async function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}
async function pemOf(key: Key): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const lines = der.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
}
async function importKey(pem: string): Promise<Key> {
  // Also what openssl writes (SEC 1), which WebCrypto does not read.
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}
