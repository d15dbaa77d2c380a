import type { Http2Session, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { parseSpiffeId, type Workload } from "#core/identity/workload.ts";

/** A peer that shows a certificate in which nobody is named. */
export class UnknownPeerError extends Error {
  override readonly name = "UnknownPeerError";
}

const known = new WeakMap<Http2Session, Workload>();

/** Who is at the other end, as the verified certificate says; `undefined` without TLS. Throws for a certificate without a Dapr identity. */
export function peerWorkload({ session }: ServerHttp2Stream): Workload | undefined {
  if (!session?.encrypted) return undefined;
  const found = known.get(session);
  if (found) return found;
  const workload = identityOf(session.socket as unknown as TLSSocket);
  known.set(session, workload);
  return workload;
}

/** The SPIFFE id is the one URI among the certificate's alternative names. */
export function identityOf(socket: Pick<TLSSocket, "getPeerCertificate">): Workload {
  const names = socket.getPeerCertificate().subjectaltname ?? "";
  const uris = names.split(", ").filter((name) => name.startsWith("URI:"));
  const workload = uris.length === 1 ? parseSpiffeId((uris[0] as string).slice(4)) : undefined;
  if (!workload) throw new UnknownPeerError("the peer's certificate names no workload");
  return workload;
}
