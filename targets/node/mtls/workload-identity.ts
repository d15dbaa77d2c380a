import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import {
  SignCertificateRequest_TokenValidator as TokenValidator,
  SignCertificateRequestSchema,
  SignCertificateResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import { messageOf } from "#core/errors/component-error.ts";
import { spiffeId, type Workload } from "#core/identity/workload.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import { callUnary } from "#targets/node/mtls/unary-rpc.ts";
import type { MtlsSettings } from "./settings.ts";
import { checkPeer } from "./check-peer.ts";

/** What an app shows others, and whom it trusts; PEM. */
export interface WorkloadContext {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}
export interface WorkloadIdentity extends Disposable {
  readonly workload: Workload;
  /** As it is now: it changes with each renewal. */
  readonly context: WorkloadContext;
  /** Runs after each renewal. */
  onRenewal(run: (context: WorkloadContext) => void): void;
}

const startMs = 60_000;
const callMs = 10_000;
const retryMs = 1000;
const longestRetryMs = 5000;
const longestRenewalPauseMs = 60_000;
/**
 * Trust anchors in a file are looked at this often, since a new root must be known before it is used. So is the time of
 * renewal: timers stand still while a machine is suspended, and its certificates grow old all the same.
 */
const lookMs = 10_000;

/** Gets a certificate for the app, and renews it at half of its life. Rejects when the authority gives none within a minute. */
export async function openIdentity(
  workload: Workload,
  settings: MtlsSettings,
  log: Log,
  meter: () => Meter | undefined,
): Promise<WorkloadIdentity> {
  const fields = { app_id: workload.appId };
  const ended = new AbortController();
  const listeners: Array<(context: WorkloadContext) => void> = [];
  const everyMs = settings.anchorsMs ?? lookMs;
  let renewal: NodeJS.Timeout | undefined;
  let renewAt = 0;
  let renewalPauseMs = 2 * retryMs;
  let failure = "";
  let context = await first();
  meter()?.count("runtime_mtls_init_total", {});

  async function first(): Promise<WorkloadContext> {
    let said = "";
    let pauseMs = retryMs;
    for (const deadline = Date.now() + startMs; ;) {
      try {
        return await ask(workload, settings, ended.signal);
      } catch (reason) {
        meter()?.count("runtime_mtls_init_fail_total", { reason: "csr" });
        if (Date.now() > deadline)
          throw new Error(
            `Cannot get a certificate for ${spiffeId(workload)} from ${settings.address}: ${messageOf(reason)}`,
            { cause: reason },
          );
        const why = messageOf(reason);
        // Once for each reason: a node has many apps, and the authority may be away for long.
        if (why !== said) log.warn(`No certificate yet from ${settings.address}: ${why}`, fields);
        said = why;
        await delay(pauseMs, undefined, { ref: false });
        pauseMs = Math.min(pauseMs * 2, longestRetryMs);
      }
    }
  }
  function put(next: WorkloadContext): void {
    context = next;
    for (const run of listeners) run(next);
  }
  /** The present one serves on while no new one is to be had. */
  async function renew(): Promise<void> {
    clearTimeout(renewal);
    renewAt = Infinity;
    try {
      const next = await ask(workload, settings, ended.signal);
      if (ended.signal.aborted) return;
      put(next);
      meter()?.count("runtime_mtls_workload_cert_rotated_total", {});
      log.info(`Renewed the certificate of ${spiffeId(workload)}`, fields);
      renewalPauseMs = 2 * retryMs;
      failure = "";
      plan();
    } catch (reason) {
      if (ended.signal.aborted) return;
      meter()?.count("runtime_mtls_workload_cert_rotated_fail_total", { reason: "csr" });
      const why = messageOf(reason);
      // Once for each reason, as at the start.
      log[why === failure ? "debug" : "error"](
        `Cannot renew the certificate of ${spiffeId(workload)}: ${why}`,
        fields,
      );
      failure = why;
      renewIn(renewalPauseMs * (0.5 + 0.5 * Math.random()));
      renewalPauseMs = Math.min(renewalPauseMs * 2, longestRenewalPauseMs);
    }
  }
  function plan(): void {
    const { validFrom, validTo } = new X509Certificate(context.cert);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    // Half of what is left, for the clock skew stands before the beginning; never all at the same moment.
    const left = to - Math.max(Date.now(), from);
    renewIn(Math.max(250, (left / 2) * (0.9 + 0.1 * Math.random())));
  }
  function renewIn(ms: number): void {
    renewAt = Date.now() + ms;
    if (ms < everyMs) renewal = setTimeout(() => void renew(), ms).unref();
  }
  plan();
  const looks = setInterval(() => {
    if (Date.now() >= renewAt) void renew();
    void settings.anchors().then(
      (ca) => {
        if (ca !== context.ca) put({ ...context, ca });
      },
      (reason: unknown) => log.warn(`Cannot read the trust anchors: ${messageOf(reason)}`, fields),
    );
  }, everyMs).unref();
  return {
    workload,
    get context() {
      return context;
    },
    onRenewal: (run) => void listeners.push(run),
    [Symbol.dispose]: () => {
      ended.abort();
      clearTimeout(renewal);
      clearInterval(looks);
    },
  };
}

/** One request to the authority, over a connection of its own: they are far apart. */
async function ask(
  workload: Workload,
  settings: MtlsSettings,
  ended: AbortSignal,
): Promise<WorkloadContext> {
  // A large library that only this needs.
  const { createRequest } = await import("#targets/node/mtls/certificates.ts");
  const { csr, privateKey } = await createRequest();
  const ca = await settings.anchors();
  const token = settings.tokenFile ? (await readFile(settings.tokenFile, "utf8")).trim() : "";
  const session = connect(`https://${settings.address}`, {
    ca,
    minVersion: "TLSv1.2",
    servername: "",
    checkServerIdentity: checkPeer(settings.authority),
  });
  const signal = AbortSignal.any([ended, AbortSignal.timeout(callMs)]);
  try {
    await new Promise<void>((resolve, reject) => {
      session.once("connect", () => resolve());
      session.once("error", reject);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    session.on("error", () => {});
    const request = create(SignCertificateRequestSchema, {
      id: workload.appId,
      namespace: workload.namespace,
      trustDomain: workload.trustDomain,
      token,
      tokenValidator:
        token === ""
          ? TokenValidator.INSECURE
          : settings.tokenIs === "kubernetes"
            ? TokenValidator.KUBERNETES
            : TokenValidator.JWKS,
      certificateSigningRequest: Buffer.from(csr),
    });
    const bytes = await callUnary(session, toBinary(SignCertificateRequestSchema, request), signal);
    const response = fromBinary(SignCertificateResponseSchema, bytes);
    return { cert: Buffer.from(response.workloadCertificate).toString(), key: privateKey, ca };
  } finally {
    session.destroy();
  }
}
