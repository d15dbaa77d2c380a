import type { AppMetrics } from "./app-metrics.ts";
import { maxSeries } from "./family.ts";
import { grpcStatusName } from "./grpc-status.ts";
import type { Series } from "./series.ts";
import { TupleCache } from "./tuple-cache.ts";

/** Of a unary call; a stream has none. */
export interface RpcSizes {
  readonly request: number;
  readonly answer: number;
}
/** Notes one rpc that has ended: full method, status number, milliseconds. */
export type NoteRpc = (method: string, code: number, ms: number, sizes?: RpcSizes) => void;

interface Ended {
  readonly count: Series;
  readonly latency: Series;
}

/** The metrics of rpcs that come in (`server`) or go out to the app (`client`). */
export function rpcNotes(metrics: AppMetrics, side: "server" | "client"): NoteRpc {
  const prefix = `grpc_io_${side}_`;
  const found = new TupleCache<Ended>(2 * maxSeries);
  const latencyName = side === "server" ? "server_latency" : "roundtrip_latency";
  // What a server receives is the request; what a client receives is the answer.
  const requests = metrics.family(
    `${prefix}${side === "server" ? "received" : "sent"}_bytes_per_rpc`,
  );
  const answers = metrics.family(
    `${prefix}${side === "server" ? "sent" : "received"}_bytes_per_rpc`,
  );
  return (method, code, ms, sizes) => {
    const labels = [method, grpcStatusName(code)];
    const { count, latency } =
      found.get(labels) ??
      found.put(labels, {
        count: metrics.family(`${prefix}completed_rpcs`).of(labels),
        latency: metrics.family(prefix + latencyName).of(labels),
      });
    count.put(1);
    latency.put(ms);
    if (!sizes) return;
    requests.of([method]).put(sizes.request);
    answers.of([method]).put(sizes.answer);
  };
}

const clients = new WeakMap<AppMetrics, NoteRpc>();
/** An rpc that was passed on to the app, whose messages nobody has looked at. */
export function noteRpcTo(metrics: AppMetrics, method: string, code: number, ms: number): void {
  let note = clients.get(metrics);
  if (!note) clients.set(metrics, (note = rpcNotes(metrics, "client")));
  note(method, code, ms);
}

const servers = new WeakMap<AppMetrics, NoteRpc>();
/** Those of the app's API port. */
export function serverNotes(metrics: AppMetrics): NoteRpc {
  let note = servers.get(metrics);
  if (!note) servers.set(metrics, (note = rpcNotes(metrics, "server")));
  return note;
}
