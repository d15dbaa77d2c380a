import { constants } from "node:crypto";
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
} from "node:http2";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type { ServerHttp2Stream } from "node:http2";
import type { AppRef } from "#core/ports/platform.ts";
import type { WorkloadContext, WorkloadIdentity } from "../mtls/workload-identity.ts";
import { maxPeerHeaderBytes, wideHeaders } from "../listen/http2-limits.ts";
import { serverNameOf } from "./server-name.ts";

/** Whose certificates the port shows: without one of them it speaks no TLS. */
export interface Identities {
  /** Of the app whose port it is. */
  readonly identity?: WorkloadIdentity | undefined;
  /**
   * Of the app whose name (`serverNameOf`) a caller asks for, where the port is many apps'. Asked for each
   * connection; who asks for no name, or for one that is nobody's, gets no connection.
   */
  identityFor?(serverName: string): WorkloadIdentity | undefined;
}

/** What a runtime sends has been within its own limits: those of the messages between runtimes are only to be finite. */
const limits = {
  settings: { initialWindowSize: 1 << 20, maxHeaderListSize: maxPeerHeaderBytes },
  ...wideHeaders,
} as const;
/** With certificates only peers are let in whose certificate a trusted root has signed. */
const secure = {
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: "TLSv1.2",
  ...limits,
} as const;
const handshakeMs = 10_000;

export function createInternalServer({
  identity,
  identityFor,
}: Identities): Http2Server | Http2SecureServer {
  if (identityFor)
    return createSecureServer({
      ...secure,
      handshakeTimeout: handshakeMs,
      // A connection that is taken up again would be judged by what its certificate was.
      secureOptions: constants.SSL_OP_NO_TICKET,
      SNICallback: (name, done) => {
        const found = identityFor(name);
        // Without a context the server has no certificate to show, and the handshake ends.
        done(null, found && contextOf(found.context));
      },
    });
  if (!identity) return createServer(limits);
  const server = createSecureServer({ ...identity.context, ...secure });
  identity.onRenewal((context) => server.setSecureContext(context));
  return server;
}

/** One for each certificate, until it is renewed: making one takes a millisecond. */
const contexts = new WeakMap<WorkloadContext, SecureContext>();
function contextOf(of: WorkloadContext): SecureContext {
  let context = contexts.get(of);
  if (!context) contexts.set(of, (context = createSecureContext({ ...of, minVersion: "TLSv1.2" })));
  return context;
}

/** True where the peer was shown that app's certificate, which it has checked: it is calling that app and no other. */
export function wasShown({ session }: ServerHttp2Stream, app: AppRef): boolean {
  const socket = session?.socket as TLSSocket | undefined;
  return (socket as { servername?: unknown } | undefined)?.servername === serverNameOf(app);
}
