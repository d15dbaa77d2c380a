import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { headerOf } from "#core/util/header-list.ts";

/**
 * On an answer that failed: its body is the whole text of the error. The text of an HTTP app becomes part of one that
 * names the status and the path, which a host over gRPC does not have. It is a header so that it also reaches the runtime
 * of a remote caller; no caller of an actor ever sees the headers of an answer that failed.
 */
const failureHeader = "outrigger-actor-failure";

/** The answer of a host over gRPC that could not do what it was asked for. */
export function hostFailure(status: 404 | 500, text: string): PlainResponse {
  return { status, headers: [failureHeader, "true"], body: text };
}

const decoder = new TextDecoder();
/** The text of such an answer; `undefined` for any other. */
export function hostFailureText(answer: {
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}): string | undefined {
  return headerOf(answer.headers, failureHeader) === undefined
    ? undefined
    : decoder.decode(answer.body);
}
