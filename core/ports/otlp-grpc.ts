import type { CallOptions } from "./component.ts";

/** A receiver of OTLP over gRPC. */
export interface OtlpGrpcTarget {
  /** `host:port`. */
  readonly address: string;
  /** True if the connection uses TLS. */
  readonly isSecure: boolean;
  /** Sent as metadata with each call. */
  readonly headers: Readonly<Record<string, string>>;
}
/** A connection to a receiver of OTLP over gRPC. */
export interface OtlpGrpcChannel {
  /**
   * Calls `TraceService/Export`. Request and response are serialised protobuf messages.
   *
   * @throws {ExportError} (of `tracing/span-sink.ts`) if the receiver does not accept the request.
   */
  export(request: Uint8Array, options: CallOptions): Promise<Uint8Array>;
  /** Closes the connection. */
  close(): void;
}
