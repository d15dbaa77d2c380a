import { type RpcAnswer, type RpcChannel, RpcError } from "./app-channel/rpc.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import { rpcNotes } from "#core/telemetry/grpc-calls.ts";
import { grpcStatusName } from "#core/telemetry/grpc-status.ts";

const health = "/dapr.proto.runtime.v1.AppCallbackHealthCheck/HealthCheck";
const unknown = 2;

/** The way to an app's gRPC server, every call of it measured; health probes apart. */
export function measuredRpc(channel: RpcChannel, metrics: AppMetrics): RpcChannel {
  const note = rpcNotes(metrics, "client");
  const { clock, cost } = metrics;
  return {
    call: async (path, message, metadata, options) => {
      const began = clock.monotonic();
      const isProbe = path === health;
      if (!isProbe) cost.app.begin(message.byteLength);
      let code = 0;
      let answer: RpcAnswer | undefined;
      try {
        answer = await channel.call(path, message, metadata, options);
        return answer;
      } catch (reason) {
        code = reason instanceof RpcError ? reason.code : unknown;
        throw reason;
      } finally {
        const ms = clock.monotonic() - began;
        const bytes = answer?.message.byteLength ?? 0;
        if (isProbe) noteProbe(metrics, code, ms);
        else {
          note(path, code, ms, { request: message.byteLength, answer: bytes });
          cost.app.end(bytes);
        }
      }
    },
  };
}

function noteProbe(metrics: AppMetrics, code: number, ms: number): void {
  const labels = [grpcStatusName(code)];
  metrics.family("grpc_io_healthprobes_completed_count").of(labels).put(1);
  metrics.family("grpc_io_healthprobes_roundtrip_latency").of(labels).put(ms);
}
