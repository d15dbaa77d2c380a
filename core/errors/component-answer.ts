import { ApiError, type ErrorDetail } from "./api-error.ts";
import { ComponentError } from "./component-error.ts";

/**
 * What a component wants the caller to be told, in place of what the operation would say of any failure. Dapr: only
 * pluggable state stores have a way to say it.
 */
export interface ComponentAnswer {
  /** Status codes of the two wires. */
  readonly http: number;
  readonly grpc: number;
  readonly message: string;
  /** The `errorCode`; empty: `reason` is. */
  readonly tag: string;
  readonly reason: string;
  readonly domain: string;
}

/** `error` with the statuses that the component asked for; over gRPC its words replace ours as well. */
export function inItsWords(error: ApiError, failure: unknown): ApiError {
  const answer = answerIn(failure);
  if (!answer) return error;
  const { http, grpc, message } = answer;
  return new ApiError(error.code, { ...error.spec, http, grpc }, error.message, {
    cause: failure,
    overGrpc: { message, details: [detailOf(answer)] },
  });
}

/** The component's words over both wires; `undefined`: it has none. */
export function wholeAnswer(failure: unknown): ApiError | undefined {
  const answer = answerIn(failure);
  if (!answer) return undefined;
  const { http, grpc, message, tag, reason } = answer;
  return new ApiError(tag === "" ? reason : tag, { http, grpc }, message, {
    cause: failure,
    details: [detailOf(answer)],
  });
}

function answerIn(failure: unknown): ComponentAnswer | undefined {
  return ComponentError.is(failure) ? failure.answer : undefined;
}
function detailOf({ reason, domain }: ComponentAnswer): ErrorDetail {
  return { type: "ErrorInfo", reason, domain, metadata: null };
}
