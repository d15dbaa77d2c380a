import { calleeAppId } from "#core/util/identity-headers.ts";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { App } from "#core/kernel/app.ts";
import { noteRpcTo, serverNotes } from "#core/telemetry/grpc-calls.ts";
import { noteAnswer } from "#core/telemetry/invocation.ts";
import { code } from "./status.ts";

type Observed = Pick<App, "appId" | "clock" | "telemetry" | "policies">;

/** Measures and logs a call that an app passes on to another one's service. What passes is not looked at. */
export function observeProxied(
  { appId, clock, telemetry: { metrics }, policies: { apiLog } }: Observed,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  const began = clock.monotonic();
  const method = headers[":path"] ?? "";
  const named = headers[calleeAppId] ?? headers["dapr-app-id"];
  const callee = typeof named === "string" && named !== appId ? named : undefined;
  metrics?.cost.api.begin(0);
  if (callee !== undefined)
    metrics?.family("runtime_service_invocation_req_sent_total").of([callee, "unary"]).put(1);
  stream.once("close", () => {
    const ms = clock.monotonic() - began;
    const status = statusOf(stream);
    apiLog?.grpc(method, status, ms, headers["user-agent"]);
    if (!metrics) return;
    metrics.cost.api.end(0);
    serverNotes(metrics)(method, status, ms);
    if (callee !== undefined) noteAnswer(metrics, callee, String(status), ms);
  });
}

/** Measures a call that reaches an app's service, at the app's end. */
export function observeDelivered(
  { telemetry: { metrics } }: Pick<App, "telemetry">,
  caller: string,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  if (!metrics) return;
  const began = metrics.clock.monotonic();
  metrics.cost.app.begin(0);
  metrics.family("runtime_service_invocation_req_recv_total").of([caller]).put(1);
  stream.once("close", () => {
    const status = statusOf(stream);
    metrics.cost.app.end(0);
    noteRpcTo(metrics, headers[":path"] ?? "", status, metrics.clock.monotonic() - began);
    metrics
      .family("runtime_service_invocation_res_sent_total")
      .of([caller, String(status)])
      .put(1);
  });
}

/** What was sent last; nothing at all where the caller has gone away. */
function statusOf(stream: ServerHttp2Stream): number {
  const sent = stream.sentTrailers as OutgoingHttpHeaders | undefined;
  const text = sent?.["grpc-status"] ?? stream.sentHeaders?.["grpc-status"];
  return text === undefined ? code.cancelled : Number(text);
}
