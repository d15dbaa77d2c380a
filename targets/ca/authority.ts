import { createPrivateKey, X509Certificate } from "node:crypto";
import { createRoot, type Credentials } from "#targets/node/mtls/certificates.ts";

/** What a certificate authority keeps. */
export interface Authority {
  /** All roots that are trusted now; PEM. */
  readonly anchors: string;
  readonly issuer: Credentials;
  /** The issuer of a root that everybody is still to learn of. */
  readonly next?: Credentials;
}
export type Phase = "announced" | "switched" | "finished";

/** Where an authority's credentials live. */
export interface AuthorityStore {
  /** For messages: where the trusted roots are. */
  readonly anchorsAt: string;
  /** As they are now; made where there are none. Rejects with what is wrong with them. */
  open(): Promise<Authority>;
  /** Takes the next step to a new root; see `nextStep`. */
  rotate(): Promise<Phase>;
}

/** By Dapr's names. */
export const names = {
  anchors: "ca.crt",
  certificate: "issuer.crt",
  privateKey: "issuer.key",
  nextCertificate: "next-issuer.crt",
  nextKey: "next-issuer.key",
} as const;

export async function newAuthority(trustDomain: string): Promise<Authority> {
  const { root, issuer } = await createRoot(trustDomain, Date.now());
  return { anchors: root, issuer };
}

/** Throws with the file that is wrong. */
export function checked(authority: Authority): Authority {
  const { anchors, issuer } = authority;
  if (!isTrusted(issuer, anchors))
    throw new Error(`${names.certificate} is not signed by a root of ${names.anchors}`);
  if (!holdsKey(issuer))
    throw new Error(`${names.privateKey} is not the key of ${names.certificate}`);
  return authority;
}

/**
 * The next step to a new root: first everybody learns to trust it, then it issues, then the old one goes. Throws
 * rather than take a step after which nobody would be trusted.
 */
export async function nextStep(
  { anchors, issuer, next }: Authority,
  trustDomain: string,
): Promise<{ readonly phase: Phase; readonly authority: Authority }> {
  // One that nobody trusts yet is what an interrupted step left.
  if (next && isTrusted(next, anchors) && holdsKey(next))
    return { phase: "switched", authority: checked({ anchors, issuer: next }) };
  const roots = splitPem(anchors);
  if (roots.length > 1)
    return { phase: "finished", authority: checked({ anchors: `${roots.at(-1)}\n`, issuer }) };
  const made = await createRoot(trustDomain, Date.now());
  const both = { anchors: `${anchors.trim()}\n${made.root}\n`, issuer, next: made.issuer };
  return { phase: "announced", authority: checked(both) };
}

/** The certificates of a PEM text. */
export function splitPem(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function isTrusted({ certificate }: Credentials, anchors: string): boolean {
  const issuer = certificateOf(certificate, names.certificate);
  return splitPem(anchors).some((root) =>
    issuer.verify(certificateOf(root, names.anchors).publicKey),
  );
}
function holdsKey({ certificate, privateKey }: Credentials): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}
function certificateOf(pem: string, name: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (reason) {
    throw new Error(`${name} is not a certificate`, { cause: reason });
  }
}
