import type { PeerCertificate } from "node:tls";
import { parseSpiffeId, spiffeId, type Workload } from "#core/identity/workload.ts";

/** Whom a certificate must name; any trust domain where none is given, since a trusted root has signed it. */
export type Wanted = Pick<Workload, "appId" | "namespace"> & Partial<Pick<Workload, "trustDomain">>;

/** For TLS in place of host names: the one that answers must be the workload that was called. */
export function checkPeer(
  wanted: Wanted,
): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, { subjectaltname = "" }) => {
    const uris = subjectaltname.split(", ").filter((name) => name.startsWith("URI:"));
    const found = uris.length === 1 ? parseSpiffeId((uris[0] as string).slice(4)) : undefined;
    if (!found) return new Error("the peer's certificate names no workload");
    const same =
      found.appId === wanted.appId &&
      found.namespace === wanted.namespace &&
      (wanted.trustDomain === undefined || found.trustDomain === wanted.trustDomain);
    if (same) return undefined;
    return new Error(
      `the peer is ${spiffeId(found)}, not app "${wanted.appId}" of namespace "${wanted.namespace}"`,
    );
  };
}
