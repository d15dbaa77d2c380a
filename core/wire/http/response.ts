import type { Metadata } from "#core/ports/component.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import { headerValue } from "#core/util/header-value.ts";

/** What a route says: data only, so that a `Response` is built once, with everything in it. */
export interface RouteResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names and values in turn, where names may repeat (an app's own answer). Used instead of `headers`. */
  readonly rawHeaders?: HeaderList;
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>;
}

export const noContent: RouteResponse = { status: 204 };
const jsonType = { "content-type": "application/json" };

/** JSON text that is there already. */
export function jsonText(body: string | Uint8Array, status = 200): RouteResponse {
  return { status, headers: jsonType, body };
}
/** A value as JSON; ends in a newline, as Dapr's encoder does. */
export function json(value: unknown, status = 200): RouteResponse {
  return { status, headers: jsonType, body: `${JSON.stringify(value)}\n` };
}

/** Response metadata goes back as `metadata.<name>` headers. */
export function metadataHeaders(metadata: Metadata | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name in metadata) out[`metadata.${name}`] = headerValue(metadata[name] as string);
  return out;
}
/** Builds the response, our span's trace headers added, and the request's baggage. */
export function respond(
  answer: RouteResponse,
  trace: TraceContext | undefined,
  baggage?: string,
): Response {
  const headers = answer.rawHeaders
    ? joined(answer.rawHeaders)
    : answer.headers
      ? { ...answer.headers }
      : {};
  if (trace) {
    // Dapr: an app that names its own span keeps the word.
    if (!has(headers, "traceparent")) {
      set(headers, "traceparent", trace.traceparent);
      if (trace.tracestate !== "") set(headers, "tracestate", trace.tracestate);
    }
    if (baggage !== undefined) set(headers, "baggage", baggage);
  }
  return new Response((answer.body ?? null) as BodyInit | null, { status: answer.status, headers });
}

function has(headers: Record<string, string> | Headers, name: string): boolean {
  return headers instanceof Headers ? headers.has(name) : headers[name] !== undefined;
}
function set(headers: Record<string, string> | Headers, name: string, value: string): void {
  if (headers instanceof Headers) headers.set(name, value);
  else headers[name] = value;
}

/** A plain object while no cookie repeats: far cheaper than `Headers`, and Node writes it as it is. */
function joined(list: HeaderList): Record<string, string> | Headers {
  const out: Record<string, string> = {};
  for (let i = 0; i < list.length; i += 2) {
    const name = (list[i] as string).toLowerCase();
    const value = list[i + 1] as string;
    if (!Object.hasOwn(out, name)) out[name] = value;
    else if (name === "set-cookie") return appended(list);
    else out[name] = `${out[name]}, ${value}`;
  }
  return out;
}
function appended(list: HeaderList): Headers {
  const headers = new Headers();
  for (let i = 0; i < list.length; i += 2) headers.append(list[i] as string, list[i + 1] as string);
  return headers;
}
