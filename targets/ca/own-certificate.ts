import { X509Certificate } from "node:crypto";
import type { Workload } from "#core/identity/workload.ts";
import type { Log } from "#core/ports/platform.ts";
import { createRequest, issue, keyOfRequest } from "#targets/node/mtls/certificates.ts";
import type { Authority, AuthorityStore } from "./authority.ts";
import type { CaCounts } from "./ca-counts.ts";

/** As TLS takes it. */
export interface CertificateWithKey {
  readonly cert: string;
  readonly key: string;
}
/** The certificate that an authority shows to those who ask it; one of its own. */
export interface OwnCertificate {
  readonly first: CertificateWithKey;
  /**
   * Shows a new one where the old one has had its time. A new issuer's at once: the old one's root may be trusted no
   * more when the next client comes.
   */
  renew(show: (certificate: CertificateWithKey) => void): Promise<void>;
}
export interface OwnCertificateOptions {
  readonly store: AuthorityStore;
  readonly identity: Workload;
  readonly clockSkewMs: number;
  readonly counts: Pick<CaCounts, "noteIssuer">;
  readonly log: Log;
}

const ttlMs = 24 * 3_600_000;
const renewMs = 3_600_000;
const warnMs = 60 * 24 * 3_600_000;

export async function issueOwnCertificate(options: OwnCertificateOptions): Promise<OwnCertificate> {
  const { store, counts, log } = options;
  const authority = await store.open();
  counts.noteIssuer(authority);
  warnOfEnd(authority, log);
  let issuedBy = authority.issuer.certificate;
  let issuedAt = Date.now();
  return {
    first: await newCertificate(authority, options),
    renew: async (show) => {
      const now = await store.open();
      counts.noteIssuer(now);
      const { certificate } = now.issuer;
      if (certificate === issuedBy && Date.now() - issuedAt < renewMs) return;
      show(await newCertificate(now, options));
      warnOfEnd(now, log);
      issuedBy = certificate;
      issuedAt = Date.now();
    },
  };
}

async function newCertificate(
  { issuer }: Authority,
  { identity, clockSkewMs }: OwnCertificateOptions,
): Promise<CertificateWithKey> {
  const { csr, privateKey } = await createRequest();
  const now = Date.now();
  const cert = await issue(identity, await keyOfRequest(csr), issuer, {
    notBefore: new Date(now - clockSkewMs),
    notAfter: new Date(now + ttlMs),
  });
  return { cert, key: privateKey };
}

/** Nothing renews the issuer by itself: its root's key was not kept. */
function warnOfEnd({ issuer }: Authority, log: Log): void {
  const end = Date.parse(new X509Certificate(issuer.certificate).validTo);
  if (end - Date.now() > warnMs) return;
  log.warn(
    `The issuer's certificate ends on ${new Date(end).toISOString()}: take the steps of outrigger ca rotate-root before`,
  );
}
