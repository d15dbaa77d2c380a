import type { CallOptions } from "./component.ts";

/** A receiver of OTLP over gRPC. */
export interface OtlpGrpcTarget {
  /** `host:port`. */
  readonly address: string;
  readonly isSecure: boolean;
  /** Sent as metadata with each call. */
  readonly headers: Readonly<Record<string, string>>;
}
export interface OtlpGrpcChannel {
  /** Calls `TraceService/Export`, both messages serialised. Rejects with `ExportError` of `tracing/span-sink.ts`. */
  export(request: Uint8Array, options: CallOptions): Promise<Uint8Array>;
  close(): void;
}
