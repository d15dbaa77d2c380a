import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList } from "#core/ports/platform.ts";

/** The way to an app's gRPC server, messages as bytes. */
export interface RpcChannel {
  /** One unary call. Rejects with `RpcError` for every status but OK, also for an app that cannot be reached (Unavailable). */
  call(
    path: string,
    message: Uint8Array,
    metadata: HeaderList,
    options: CallOptions,
  ): Promise<RpcAnswer>;
}
export interface RpcAnswer {
  readonly message: Uint8Array;
  /** Headers and trailers, names in lower case. */
  readonly metadata: HeaderList;
}

/** A status that is not OK. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  /** The serialised google.rpc.Status that came along. */
  readonly details: Uint8Array | undefined;
  readonly metadata: HeaderList;
  constructor(
    code: number,
    message: string,
    options: { readonly details?: Uint8Array; readonly metadata?: HeaderList } = {},
  ) {
    super(message);
    this.code = code;
    this.details = options.details;
    this.metadata = options.metadata ?? [];
  }
}
export const notFound = 5;
export const unimplemented = 12;
export const unavailable = 14;
