import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { OtlpGrpcChannel, OtlpGrpcTarget } from "#core/ports/otlp-grpc.ts";
import { ExportError } from "#core/tracing/span-sink.ts";

const method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const maxAnswerBytes = 65_536;
/** After these the same request may be sent again (OTLP's list). */
const passing: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Apps with the same receiver share a connection: grpc-js keeps one for all channels that are alike. */
export function openOtlpGrpc({ address, isSecure, headers }: OtlpGrpcTarget): OtlpGrpcChannel {
  const client = new Client(
    address,
    isSecure ? credentials.createSsl() : credentials.createInsecure(),
    { "grpc.max_receive_message_length": maxAnswerBytes },
  );
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return {
    export: (request, { signal }) =>
      new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          method,
          (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
          (bytes) => bytes,
          request,
          metadata,
          (reason: ServiceError | null, answer?: Buffer) => {
            signal.removeEventListener("abort", cancel);
            if (reason) reject(failure(reason, signal));
            else resolve(answer ?? new Uint8Array(0));
          },
        );
        const cancel = (): void => call.cancel();
        if (signal.aborted) cancel();
        else signal.addEventListener("abort", cancel, { once: true });
      }),
    close: () => client.close(),
  };
}

function failure(reason: ServiceError, signal: AbortSignal): ExportError {
  const text = `${status[reason.code]}: ${reason.details.slice(0, 200)}`;
  return new ExportError(text, {
    retry: passing.has(reason.code) && !signal.aborted,
    cause: reason,
  });
}
