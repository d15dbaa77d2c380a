import { expect } from "vitest";
import { wireOfCell } from "./wire.ts";

/** An error that the API has answered, as its wire says it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** A status of HTTP, or a code of gRPC. */
  readonly status: number;
  /** The `errorCode` of HTTP's body; gRPC has no place for it. */
  readonly code: string | undefined;
  /** The reason of `google.rpc.ErrorInfo`, where there are details. */
  readonly reason: string | undefined;
  constructor(status: number, message: string, code?: string, reason?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.reason = reason;
  }
}

interface Row {
  readonly http: readonly [status: number, errorCode?: string, reason?: string];
  readonly grpc: readonly [code: number, reason?: string];
}
const [unknown, invalidArgument, permissionDenied, resourceExhausted] = [2, 3, 7, 8];
const [aborted, internal, unauthenticated] = [10, 13, 16];

/** Details on neither wire: over gRPC only the code and the message are left. */
const plain = (http: number, code: string, grpc: number): Row => ({
  http: [http, code],
  grpc: [grpc],
});
/** Over gRPC the details say what is `errorCode` over HTTP. */
const named = (http: number, code: string, grpc: number): Row => ({
  http: [http, code],
  grpc: [grpc, code],
});
/** The same details on both wires. */
const rich = (http: number, code: string, grpc: number, reason: string): Row => ({
  http: [http, code, reason],
  grpc: [grpc, reason],
});

/** The reference's table of errors, written down a second time, so that it checks the catalogue in `core`. */
const rows = {
  APP_ANSWERED_409: { http: [409], grpc: [6, "Conflict"] },
  APP_ANSWERED_500: { http: [500], grpc: [unknown, "Internal Server Error"] },
  BINDING_FAILED: named(500, "ERR_INVOKE_OUTPUT_BINDING", internal),
  BUDGET_OF_BYTES: plain(413, "ERR_BUDGET_EXCEEDED", resourceExhausted),
  BUDGET_OF_CALLS: plain(429, "ERR_BUDGET_EXCEEDED", resourceExhausted),
  CONFIGURATION_STORE_NOT_FOUND: named(400, "ERR_CONFIGURATION_STORE_NOT_FOUND", invalidArgument),
  CONVERSATION_INVALID: plain(400, "ERR_CONVERSATION_INVALID_PARMS", invalidArgument),
  CONVERSATION_NOT_FOUND: plain(400, "ERR_CONVERSATION_NOT_FOUND", invalidArgument),
  CONVERSATION_WITHOUT_INPUTS: plain(400, "ERR_CONVERSATION_MISSING_INPUTS", invalidArgument),
  CRYPTO_BAD_REQUEST: plain(400, "ERR_BAD_REQUEST", invalidArgument),
  CRYPTO_FAILED: plain(500, "ERR_CRYPTO", internal),
  CRYPTO_KEY_NOT_FOUND: plain(500, "ERR_CRYPTO_KEY", internal),
  CRYPTO_PROVIDER_NOT_FOUND: plain(400, "ERR_CRYPTO_PROVIDER_NOT_FOUND", invalidArgument),
  INVOKE_FAILED: plain(500, "ERR_DIRECT_INVOKE", internal),
  LOCK_MALFORMED: plain(400, "ERR_MALFORMED_REQUEST", invalidArgument),
  LOCK_STORE_NOT_FOUND: plain(400, "ERR_LOCK_STORE_NOT_FOUND", invalidArgument),
  PUBSUB_BAD_METADATA: rich(
    400,
    "ERR_PUBSUB_REQUEST_METADATA",
    invalidArgument,
    "DAPR_PUBSUB_METADATA_DESERIALIZATION",
  ),
  PUBSUB_NOT_FOUND: rich(404, "ERR_PUBSUB_NOT_FOUND", invalidArgument, "DAPR_PUBSUB_NOT_FOUND"),
  SECRET_DENIED: plain(403, "ERR_PERMISSION_DENIED", permissionDenied),
  SECRET_STORE_NOT_FOUND: plain(401, "ERR_SECRET_STORE_NOT_FOUND", invalidArgument),
  STATE_DELETE_CONFLICT: named(409, "ERR_STATE_DELETE", aborted),
  STATE_ILLEGAL_KEY: rich(400, "ERR_MALFORMED_REQUEST", invalidArgument, "DAPR_STATE_ILLEGAL_KEY"),
  STATE_SAVE_CONFLICT: named(409, "ERR_STATE_SAVE", aborted),
  STATE_STORE_NOT_FOUND: rich(
    400,
    "ERR_STATE_STORE_NOT_FOUND",
    invalidArgument,
    "DAPR_STATE_NOT_FOUND",
  ),
  STATE_TRANSACTION_FAILED: named(500, "ERR_STATE_TRANSACTION", internal),
  STATE_UNKNOWN_OPERATION: named(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", 12),
  TOKEN_REFUSED: { http: [401], grpc: [unauthenticated, "Unauthorized"] },
} satisfies Readonly<Record<string, Row>>;

type Message = string | RegExp;

/** For `rejects.toMatchObject`: that error as it has to stand on the wire of this cell. */
export function refusal(
  name: keyof typeof rows,
  message: Message | Readonly<Record<"http" | "grpc", Message>>,
): Readonly<Record<"status" | "code" | "reason" | "message", unknown>> {
  const wire = wireOfCell();
  const row: Row = rows[name];
  const text = typeof message === "string" || message instanceof RegExp ? message : message[wire];
  const [status, code, reason] = wire === "http" ? row.http : [row.grpc[0], undefined, row.grpc[1]];
  return {
    status,
    code,
    reason,
    message: typeof text === "string" ? text : expect.stringMatching(text),
  };
}
