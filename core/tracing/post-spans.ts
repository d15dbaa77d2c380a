import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Platform } from "#core/ports/platform.ts";
import { ExportError } from "./span-sink.ts";
import { boundedBytes } from "#core/util/bounded-read.ts";

export interface SpanRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

const maxAnswerBytes = 65_536;
/** Statuses after which the same request may be sent again (OTLP's list). */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const decoder = new TextDecoder();

/** Posts spans and answers what came back; rejects with `ExportError` for every status but 2xx. Redirects are not followed. */
export async function postSpans(
  fetch: Platform["fetch"],
  { url, headers, body }: SpanRequest,
  { signal }: CallOptions,
): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers,
      body: body as BodyInit,
      redirect: "manual",
      signal,
    });
  } catch (reason) {
    throw new ExportError(causeOf(reason), { retry: !signal.aborted, cause: reason });
  }
  const { status } = response;
  let answer: Uint8Array;
  try {
    answer = await boundedBytes(response, maxAnswerBytes);
  } catch (reason) {
    throw new ExportError(`answered ${status}, and then: ${messageOf(reason)}`, { cause: reason });
  }
  if (status >= 200 && status <= 299) return answer;
  throw new ExportError(`answered ${status} ${excerpt(answer)}`.trimEnd(), {
    retry: passing.has(status),
    retryAfterMs: seconds(response.headers.get("retry-after")),
  });
}

/** A URL as the log may show it. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/^(https?:\/\/)[^/]*@/, "$1");
}

/** `fetch` hides the reason in a cause, at least on Node. */
function causeOf(reason: unknown): string {
  const cause = reason instanceof Error ? reason.cause : undefined;
  return cause instanceof Error && cause.message !== "" ? cause.message : messageOf(reason);
}
/** What a person can read of an answer. */
function excerpt(answer: Uint8Array): string {
  return decoder.decode(answer.subarray(0, 200)).replace(/[^\u0020-\u007e]+/g, " ");
}
/** The other form of the header, a date, is not worth a parser. */
function seconds(header: string | null): number | undefined {
  return header !== null && /^\d{1,4}$/.test(header) ? Number(header) * 1000 : undefined;
}
