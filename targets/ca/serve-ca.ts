import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { X509Certificate } from "node:crypto";
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import {
  type SignCertificateRequest,
  SignCertificateRequestSchema,
  SignCertificateResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import { messageOf } from "#core/errors/component-error.ts";
import { type Workload, spiffeId } from "#core/identity/workload.ts";
import type { Log } from "#core/ports/platform.ts";
import {
  createRequest,
  type Credentials,
  issue,
  keyOfRequest,
} from "#targets/node/mtls/certificates.ts";
import type { Authority, AuthorityStore } from "./authority.ts";
import { type CaCounts, createCounts } from "./ca-counts.ts";
import { answer, path, readMessage, refuse } from "#targets/node/mtls/unary-rpc.ts";
import type { Validator, Verdict } from "./validators.ts";

export interface CaOptions {
  readonly port: number;
  /** Empty means all addresses. */
  readonly address: string;
  readonly store: AuthorityStore;
  /** Of the control plane. */
  readonly trustDomain: string;
  readonly namespace: string;
  readonly workloadTtlMs: number;
  readonly clockSkewMs: number;
  readonly validator: Validator;
  readonly log: Log;
}
export interface CaServer extends AsyncDisposable {
  readonly port: number;
  readonly counts: CaCounts;
}

const code = {
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
};
const own = {
  ttlMs: 24 * 3_600_000,
  renewMs: 3_600_000,
  lookMs: 10_000,
  warnMs: 60 * 24 * 3_600_000,
};
/** Calls at a time; signing is quick, and whoever waits asks again. */
const mostCalls = 64;
const maxName = 253;

/** Serves Dapr's CA API: who proves to be a workload gets its certificate. The store is asked for each, so that a rotation counts at once. */
export async function serveCa(options: CaOptions): Promise<CaServer> {
  const { store, trustDomain, log } = options;
  const counts = createCounts();
  const identity = { trustDomain, namespace: options.namespace, appId: "dapr-sentry" };
  const first = await store.open();
  counts.noteIssuer(first);
  warnOfEnd(first, log);
  let issuedBy = first.issuer.certificate;
  let issuedAt = Date.now();
  const server = createSecureServer({
    ...contextOf(await ownCredentials(identity, first, options)),
    minVersion: "TLSv1.2",
    maxSessionMemory: 2,
    settings: { maxConcurrentStreams: 16 },
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
    session.setTimeout(60_000, () => session.close());
  });
  let calls = 0;
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    if (headers[":path"] !== path) return refuse(stream, code.unimplemented, "unknown method");
    counts.received();
    if (calls >= mostCalls) {
      counts.failed("busy");
      return refuse(stream, code.resourceExhausted, "too many requests");
    }
    calls++;
    stream.setTimeout(10_000, () => stream.close());
    void sign(stream).finally(() => calls--);
  });

  async function judge(asked: Workload, request: SignCertificateRequest): Promise<Verdict> {
    try {
      return await options.validator(asked, request);
    } catch (reason) {
      return { refused: messageOf(reason), isTransient: true };
    }
  }
  async function sign(stream: ServerHttp2Stream): Promise<void> {
    let who = "somebody";
    try {
      const request = fromBinary(SignCertificateRequestSchema, await readMessage(stream));
      const asked = workloadOf(request);
      who = spiffeId(asked);
      const verdict = await judge(asked, request);
      if ("refused" in verdict) {
        counts.failed(verdict.isTransient ? "unavailable" : "denied");
        log.warn(`Refusing a certificate for ${who}: ${verdict.refused}`);
        const status = verdict.isTransient ? code.unavailable : code.permissionDenied;
        return refuse(stream, status, verdict.refused);
      }
      const workload = verdict.proven;
      who = spiffeId(workload);
      const csr = Buffer.from(request.certificateSigningRequest).toString("latin1");
      const key = await keyOfRequest(csr);
      const authority = await store.open();
      counts.noteIssuer(authority);
      const now = Date.now();
      const until = now + options.workloadTtlMs;
      const certificate = await issue(workload, key, authority.issuer, {
        notBefore: new Date(now - options.clockSkewMs),
        notAfter: new Date(until),
      });
      log.info(`Signed a certificate for ${who}, valid until ${new Date(until).toISOString()}`);
      const response = create(SignCertificateResponseSchema, {
        workloadCertificate: Buffer.from(certificate),
        trustChainCertificates: [Buffer.from(authority.anchors)],
        validUntil: timestampFromMs(until),
      });
      answer(stream, toBinary(SignCertificateResponseSchema, response));
      counts.signed();
    } catch (reason) {
      counts.failed("sign");
      log.warn(`Cannot sign a certificate for ${who}: ${messageOf(reason)}`);
      refuse(stream, code.invalidArgument, messageOf(reason));
    }
  }

  /** A new issuer's at once: the old one's root may be trusted no more when the next client comes. */
  async function renewOwn(): Promise<void> {
    const authority = await store.open();
    counts.noteIssuer(authority);
    const { certificate } = authority.issuer;
    if (certificate === issuedBy && Date.now() - issuedAt < own.renewMs) return;
    server.setSecureContext(contextOf(await ownCredentials(identity, authority, options)));
    warnOfEnd(authority, log);
    issuedBy = certificate;
    issuedAt = Date.now();
  }
  const renewal = setInterval(() => {
    renewOwn().catch((reason: unknown) =>
      log.error(`Cannot renew the CA's own certificate: ${messageOf(reason)}`),
    );
  }, own.lookMs).unref();
  const { port, address } = options;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(address === "" ? {} : { host: address }) }, resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    counts,
    [Symbol.asyncDispose]: async () => {
      clearInterval(renewal);
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

function workloadOf(request: {
  readonly id: string;
  readonly namespace: string;
  readonly trustDomain: string;
}): Workload {
  const { id: appId, namespace, trustDomain } = request;
  for (const [name, text] of Object.entries({
    id: appId,
    namespace,
    trust_domain: trustDomain || "public",
  }))
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) || text.length > maxName)
      throw new Error(`${name} is missing or is not a name: ${JSON.stringify(text.slice(0, 64))}`);
  return { appId, namespace, trustDomain: (trustDomain || "public").toLowerCase() };
}

/** Nothing renews the issuer by itself: its root's key was not kept. */
function warnOfEnd({ issuer }: Authority, log: Log): void {
  const end = Date.parse(new X509Certificate(issuer.certificate).validTo);
  if (end - Date.now() > own.warnMs) return;
  log.warn(
    `The issuer's certificate ends on ${new Date(end).toISOString()}: take the steps of outrigger ca rotate-root before`,
  );
}

/** The authority shows one of its own certificates to those who ask it. */
async function ownCredentials(
  identity: Workload,
  { issuer }: Authority,
  { clockSkewMs }: CaOptions,
): Promise<Credentials> {
  const { csr, privateKey } = await createRequest();
  const now = Date.now();
  const certificate = await issue(identity, await keyOfRequest(csr), issuer, {
    notBefore: new Date(now - clockSkewMs),
    notAfter: new Date(now + own.ttlMs),
  });
  return { certificate, privateKey };
}
function contextOf({ certificate, privateKey }: Credentials): {
  readonly cert: string;
  readonly key: string;
} {
  return { cert: certificate, key: privateKey };
}
