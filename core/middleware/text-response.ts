import { statusText } from "#core/errors/status-codes.ts";
import type { PlainResponse } from "#core/ports/platform.ts";

/** An answer in plain text, as middleware refuses; without a text the status' own phrase. */
export function textResponse(status: number, text: string = statusText(status)): PlainResponse {
  return { status, headers: ["content-type", "text/plain; charset=utf-8"], body: text };
}
