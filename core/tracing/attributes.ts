import { statusText } from "#core/errors/status-codes.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { isSecretName } from "./redact.ts";
import type { Span } from "./span.ts";

/** Headers that users want to see in their spans: all that begin with `dapr-`, but for credentials. */
export function describeHeaders(span: Span, headers: HeaderList): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (name.startsWith("dapr-") && !name.endsWith("-bin") && !isSecretName(name))
      span.set(name, headers[i + 1]);
  }
}

/** Ends a span whose outcome is an HTTP status. */
export function endWithStatus(span: Span, status: number): void {
  span.set("dapr.status_code", String(status));
  span.end(status < 400 ? undefined : `Code(${status}): ${statusText(status) || "Unknown"}`);
}
