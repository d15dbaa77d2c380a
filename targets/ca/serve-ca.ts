import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import { code } from "#targets/node/grpc/status.ts";
import { path, refuse } from "#targets/node/mtls/unary-rpc.ts";
import type { AuthorityStore } from "./authority.ts";
import { type CaCounts, createCounts } from "./ca-counts.ts";
import { issueOwnCertificate } from "./own-certificate.ts";
import { signCertificate } from "./signer.ts";
import type { Validator } from "./validators.ts";

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

/** How often the CA checks whether it needs a new certificate of its own. */
const lookMs = 10_000;
/** Calls at a time; signing is quick, and whoever waits asks again. */
const mostCalls = 64;

/** Serves Dapr's CA API. */
export async function serveCa(options: CaOptions): Promise<CaServer> {
  const { store, trustDomain, clockSkewMs, log } = options;
  const counts = createCounts();
  const identity = { trustDomain, namespace: options.namespace, appId: "dapr-sentry" };
  const own = await issueOwnCertificate({ store, identity, clockSkewMs, counts, log });
  const server = createSecureServer({
    ...own.first,
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
  const signing = { ...options, counts };
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
    void signCertificate(stream, signing).finally(() => calls--);
  });
  const renewal = setInterval(() => {
    own
      .renew((certificate) => server.setSecureContext(certificate))
      .catch((reason: unknown) =>
        log.error(`Cannot renew the CA's own certificate: ${messageOf(reason)}`),
      );
  }, lookMs).unref();
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
