import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServerHttp2Stream } from "node:http2";
import {
  type SignCertificateRequest,
  SignCertificateRequestSchema,
  SignCertificateResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import { messageOf } from "#core/errors/component-error.ts";
import { type Workload, spiffeId } from "#core/identity/workload.ts";
import type { Log } from "#core/ports/platform.ts";
import { code } from "#targets/node/grpc/status.ts";
import { issue, keyOfRequest } from "#targets/node/mtls/certificates.ts";
import { answer, readMessage, refuse } from "#targets/node/mtls/unary-rpc.ts";
import type { AuthorityStore } from "./authority.ts";
import type { CaCounts } from "./ca-counts.ts";
import type { Validator, Verdict } from "./validators.ts";

export interface SignerOptions {
  readonly store: AuthorityStore;
  readonly validator: Validator;
  readonly workloadTtlMs: number;
  readonly clockSkewMs: number;
  readonly counts: Pick<CaCounts, "failed" | "noteIssuer" | "signed">;
  readonly log: Log;
}

const maxName = 253;

/** Answers a call for a certificate: who proves to be a workload gets one. The store is asked for each, so that a rotation counts at once. */
export async function signCertificate(
  stream: ServerHttp2Stream,
  options: SignerOptions,
): Promise<void> {
  const { store, counts, log } = options;
  let who = "somebody";
  try {
    const request = fromBinary(SignCertificateRequestSchema, await readMessage(stream));
    const asked = workloadOf(request);
    who = spiffeId(asked);
    const verdict = await judge(options.validator, asked, request);
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

async function judge(
  validator: Validator,
  asked: Workload,
  request: SignCertificateRequest,
): Promise<Verdict> {
  try {
    return await validator(asked, request);
  } catch (reason) {
    return { refused: messageOf(reason), isTransient: true };
  }
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
