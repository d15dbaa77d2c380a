import { statusText } from "#core/errors/status-codes.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { isSecretName } from "./redact.ts";
import type { Span } from "./span.ts";

/** Blocks that Dapr describes as data bases. */
const stores: Readonly<Record<string, string>> = {
  state: "state",
  secret: "secrets",
  binding: "bindings",
};

/** The block of an operation's name. */
export function blockOf(operation: string): string {
  return operation.slice(0, operation.indexOf("."));
}

/** What is said of a call to a store, by whatever wire. Nothing of a call to another block. */
export function describeStore(span: Span, block: string, name: string, statement: string): void {
  const system = stores[block];
  if (system === undefined) return;
  span.set("db.system", system);
  span.set("db.connection_string", system);
  span.set("db.name", name);
  span.set("db.statement", statement);
}

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
