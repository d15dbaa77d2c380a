import { ComponentError, messageOf } from "#core/errors/component-error.ts";

/** What went wrong, for the caller. The query is left out of the address: it may hold keys. */
export function failureOf(reason: unknown, method: string, url: string): ComponentError {
  const address = url.split(/[?#]/, 1)[0] as string;
  const kind = ComponentError.is(reason) ? reason.kind : "unavailable";
  const metadata = ComponentError.is(reason) ? reason.metadata : undefined;
  const options = metadata ? { cause: reason, metadata } : { cause: reason };
  return new ComponentError(
    kind,
    `${method} ${JSON.stringify(address)}: ${textOf(reason)}`,
    options,
  );
}

/** fetch hides the reason below "fetch failed", and several addresses' reasons below one without a text. */
function textOf(reason: unknown): string {
  if (!(reason instanceof Error) || ComponentError.is(reason)) return messageOf(reason);
  if (reason.cause instanceof Error) return textOf(reason.cause);
  if (reason instanceof AggregateError && reason.errors.length > 0) return textOf(reason.errors[0]);
  return reason.message === "" ? reason.name : reason.message;
}
