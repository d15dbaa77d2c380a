import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect } from "node:http2";
import {
  SignCertificateRequest_TokenValidator as TokenValidator,
  SignCertificateRequestSchema,
  SignCertificateResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import { messageOf } from "#core/errors/component-error.ts";
import { spiffeId, type Workload } from "#core/identity/workload.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import { within } from "#core/util/time-limit.ts";
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
const startPauses: Pauses = { firstMs: 1000, longestMs: 5000 };
const renewalPauses: Pauses = { firstMs: 2000, longestMs: 60_000, jitter: [0.5, 1] };
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
  clock: Clock,
): Promise<WorkloadIdentity> {
  const fields = { app_id: workload.appId };
  const ended = new AbortController();
  const listeners: Array<(context: WorkloadContext) => void> = [];
  const everyMs = settings.anchorsMs ?? lookMs;
  let cancelRenewal = (): void => {};
  let renewAt = 0;
  const renewalBackoff = createBackoff(renewalPauses);
  let failure = "";
  let context = await first();
  meter()?.count("runtime_mtls_init_total", {});

  async function first(): Promise<WorkloadContext> {
    let said = "";
    const backoff = createBackoff(startPauses);
    for (const deadline = clock.now() + startMs; ;) {
      try {
        return await ask(workload, settings, clock, ended);
      } catch (reason) {
        meter()?.count("runtime_mtls_init_fail_total", { reason: "csr" });
        if (clock.now() > deadline)
          throw new Error(
            `Cannot get a certificate for ${spiffeId(workload)} from ${settings.address}: ${messageOf(reason)}`,
            { cause: reason },
          );
        const why = messageOf(reason);
        // Once for each reason: a node has many apps, and the authority may be away for long.
        if (why !== said) log.warn(`No certificate yet from ${settings.address}: ${why}`, fields);
        said = why;
        await clock.sleep(backoff.next(), ended);
      }
    }
  }
  function put(next: WorkloadContext): void {
    context = next;
    for (const run of listeners) run(next);
  }
  /** The present one serves on while no new one is to be had. */
  async function renew(): Promise<void> {
    cancelRenewal();
    renewAt = Infinity;
    try {
      const next = await ask(workload, settings, clock, ended);
      if (ended.signal.aborted) return;
      put(next);
      meter()?.count("runtime_mtls_workload_cert_rotated_total", {});
      log.info(`Renewed the certificate of ${spiffeId(workload)}`, fields);
      renewalBackoff.reset();
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
      renewIn(renewalBackoff.next());
    }
  }
  function plan(): void {
    const { validFrom, validTo } = new X509Certificate(context.cert);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    // Half of what is left, for the clock skew stands before the beginning; never all at the same moment.
    const left = to - Math.max(clock.now(), from);
    renewIn(Math.max(250, (left / 2) * (0.9 + 0.1 * Math.random())));
  }
  function renewIn(ms: number): void {
    renewAt = clock.now() + ms;
    if (ms < everyMs) cancelRenewal = clock.after(ms, () => void renew());
  }
  plan();
  function look(): void {
    cancelLook = clock.after(everyMs, look);
    if (clock.now() >= renewAt) void renew();
    void settings.anchors().then(
      (ca) => {
        if (ca !== context.ca) put({ ...context, ca });
      },
      (reason: unknown) => log.warn(`Cannot read the trust anchors: ${messageOf(reason)}`, fields),
    );
  }
  let cancelLook = clock.after(everyMs, look);
  return {
    workload,
    get context() {
      return context;
    },
    onRenewal: (run) => void listeners.push(run),
    [Symbol.dispose]: () => {
      ended.abort();
      cancelRenewal();
      cancelLook();
    },
  };
}

/** One request to the authority, over a connection of its own: they are far apart. */
async function ask(
  workload: Workload,
  settings: MtlsSettings,
  clock: Clock,
  ended: CallOptions,
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
  const exchange = async ({ signal }: CallOptions): Promise<WorkloadContext> => {
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
  };
  try {
    return await within(clock, callMs, ended, exchange);
  } finally {
    session.destroy();
  }
}
