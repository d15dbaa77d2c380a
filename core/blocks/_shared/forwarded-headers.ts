import { calleeAppId, callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import type { HeaderList } from "#core/ports/platform.ts";

/** Headers of one connection, not of the message (RFC 9110 §7.6.1), and those that the next hop writes itself. */
const perHop: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
/** What a caller cannot say of itself, or what only concerns the runtime. */
const ours: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "expect",
  "dapr-app-id",
  callerAppId,
  calleeAppId,
  callerNamespace,
  "destination-app-id",
]);

/** The caller's headers that go on to the callee; `drop` names more that stay behind. */
export function requestHeaders(headers: HeaderList, drop: ReadonlySet<string>): string[] {
  return kept(headers, (name) => ours.has(name) || drop.has(name));
}

/** The callee's headers that go back. Dapr: its content length does not; the runtime writes its own. */
export function responseHeaders(headers: HeaderList): string[] {
  return kept(headers, (name) => name === "content-length");
}

function kept(headers: HeaderList, drop: (name: string) => boolean): string[] {
  const out: string[] = [];
  let named: Set<string> | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    if (name === "connection" && !isOnlyKeepAlive(value)) named = namesIn(value, named);
    if (perHop.has(name) || drop(name)) continue;
    out.push(name, value);
  }
  return named ? without(out, named) : out;
}
function isOnlyKeepAlive(value: string): boolean {
  return value === "keep-alive" || value === "close";
}
function namesIn(value: string, names: Set<string> = new Set()): Set<string> {
  for (const name of value.split(",")) names.add(name.trim().toLowerCase());
  return names;
}
function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (!names.has(headers[i] as string)) out.push(headers[i] as string, headers[i + 1] as string);
  return out;
}
