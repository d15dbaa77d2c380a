import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import type { ComponentAnswer } from "#core/errors/component-answer.ts";
import { ComponentError, type FailureKind } from "#core/errors/component-error.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  StatusSchema,
  type Status,
} from "#core/wire/grpc/gen/google/rpc/status_pb.js";

/** How a call ended, other than well. */
export interface Failure {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
  /** A serialised google.rpc.Status. */
  readonly details?: Uint8Array;
}

/** Names of the gRPC status codes as Go writes them, in the codes' order. */
const codeNames = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;
const kinds: { readonly [name: string]: FailureKind } = {
  Canceled: "unavailable",
  DeadlineExceeded: "timeout",
  Unimplemented: "unsupported",
  Unavailable: "unavailable",
};

/** What a component answered instead of a result, as the runtime's own components would say it. */
export function toComponentError({ code, message, details }: Failure): ComponentError {
  const name = codeNames[code] ?? `Code(${code})`;
  const status = details && statusIn(details);
  const etag = etagError(name, status);
  if (etag) return etag;
  const answer = answerIn(code, message, status);
  if (answer)
    return new ComponentError("rejected", `api error: code = ${name} desc = ${message}`, {
      status: code,
      answer,
    });
  // As gRPC for Go writes it: callers of Dapr know this text.
  const text = rowsText(name, status) ?? `rpc error: code = ${name} desc = ${message}`;
  return new ComponentError(kinds[name] ?? "rejected", text, { status: code });
}

export function closedError(): ComponentError {
  return new ComponentError("unavailable", "the component is closed");
}

/** `undefined` for what cannot be read. */
function statusIn(details: Uint8Array): Status | undefined {
  try {
    return fromBinary(StatusSchema, details);
  } catch {
    return undefined;
  }
}

/** Dapr: an etag error is one BadRequest with one violation of the field "etag"; its description is what the store says. */
function etagError(code: string, status: Status | undefined): ComponentError | undefined {
  if (code !== "FailedPrecondition" && code !== "InvalidArgument") return undefined;
  const [detail, ...others] = status?.details ?? [];
  if (!detail || others.length > 0) return undefined;
  const [violation, ...more] = unpacked(detail, BadRequestSchema)?.fieldViolations ?? [];
  if (violation?.field !== "etag" || more.length > 0) return undefined;
  const kind = code === "FailedPrecondition" ? "etag-mismatch" : "etag-invalid";
  return new ComponentError(kind, violation.description);
}

/** Dapr: one ErrorInfo that is marked, and names the statuses and the error code that the caller gets. */
function answerIn(
  code: number,
  message: string,
  status: Status | undefined,
): ComponentAnswer | undefined {
  const [detail, ...others] = status?.details ?? [];
  if (!detail || others.length > 0) return undefined;
  const info = unpacked(detail, ErrorInfoSchema);
  const { kit_error: marked, http_code: http = "", tag = "" } = info?.metadata ?? {};
  // What is not a status of HTTP cannot be sent.
  if (!info || marked !== "true" || !/^[2-9]\d\d$/.test(http)) return undefined;
  const { reason, domain } = info;
  return { http: Number(http), grpc: code, message, tag, reason, domain };
}

/** Dapr: how a bulk delete says that some rows were not there. */
function rowsText(code: string, status: Status | undefined): string | undefined {
  const [detail, ...others] = status?.details ?? [];
  if (code !== "Internal" || !detail || others.length > 0) return undefined;
  const { expected = "", affected = "" } = unpacked(detail, ErrorInfoSchema)?.metadata ?? {};
  if (!/^\d+$/.test(expected) || !/^\d+$/.test(affected)) return undefined;
  return `delete affected only ${affected} rows, expected ${expected}`;
}

/** `undefined` for a detail of another type, and for one that cannot be read. */
function unpacked<D extends DescMessage>(detail: Any, schema: D): MessageShape<D> | undefined {
  try {
    return anyUnpack(detail, schema);
  } catch {
    return undefined;
  }
}
