/** One row of the catalogue: the same failure, spelled for both wires. */
export interface ErrorSpec {
  readonly http: number;
  readonly grpc: number;
  /** ErrorInfo reason of the richer errors; absent means that the answer has no details. */
  readonly reason?: string;
  /** True: over gRPC the status names the error code in an ErrorInfo; without it (and without details) it has text only. */
  readonly grpcInfo?: true;
  /** The `errorCode` on the wire where several rows share one. Default: the row's own name. */
  readonly code?: string;
}
/** A block's table of codes. Write it `as const`; `failWith` checks it. */
export type ErrorTable = Readonly<Record<string, ErrorSpec>>;

/** A detail of google.rpc, by its last name. */
export type ErrorDetail =
  | {
      readonly type: "ErrorInfo";
      readonly reason: string;
      /** Default: `dapr.io`. */
      readonly domain?: string;
      readonly metadata: Readonly<Record<string, string>> | null;
    }
  | {
      readonly type: "ResourceInfo";
      readonly resourceType: string;
      readonly resourceName: string;
      readonly owner?: string;
      readonly description?: string;
    }
  | {
      readonly type: "BadRequest";
      readonly violations: ReadonlyArray<{ readonly field: string; readonly description: string }>;
    }
  | {
      readonly type: "Help";
      readonly links: ReadonlyArray<{ readonly description: string; readonly url: string }>;
    };

const brand = Symbol.for("outrigger.ApiError");
export interface ApiErrorOptions {
  readonly cause?: unknown;
  readonly details?: readonly ErrorDetail[];
  /** Goes out as `metadata.*` headers beside the error. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What gRPC says instead, where Dapr's two renderings differ. */
  readonly overGrpc?: GrpcWording;
}
export interface GrpcWording {
  readonly message?: string;
  readonly details?: readonly ErrorDetail[];
  /** A serialised google.rpc.Status that goes out as it is: an app's own. */
  readonly status?: Uint8Array;
}

/** The only error an operation lets out. Surfaces render it; nothing else maps codes. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly spec: ErrorSpec;
  readonly details: readonly ErrorDetail[] | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly overGrpc: GrpcWording | undefined;
  constructor(code: string, spec: ErrorSpec, message: string, options?: ApiErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = spec.code ?? code;
    this.spec = spec;
    this.details = options?.details;
    this.metadata = options?.metadata;
    this.overGrpc = options?.overGrpc;
    Object.defineProperty(this, brand, { value: true });
  }
  static is(value: unknown): value is ApiError {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** Throws made from one block's table. */
export type Fail<T extends ErrorTable> = (
  code: keyof T & string,
  message: string,
  options?: ApiErrorOptions,
) => ApiError;

/** Binds a table, so that an unknown code is a type error at the throw. */
export function failWith<T extends ErrorTable>(table: T): Fail<T> {
  return (code, message, options) => new ApiError(code, table[code] as ErrorSpec, message, options);
}

/** Anything caught becomes an ApiError; what we did not throw ourselves keeps its text in `cause` only. */
export function toApiError(reason: unknown): ApiError {
  return ApiError.is(reason)
    ? reason
    : new ApiError("ERROR", { http: 500, grpc: 13 }, "Internal error", { cause: reason });
}
