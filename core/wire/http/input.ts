import type { Context } from "hono";
import type { App } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import type { HttpExchange } from "./server-metrics.ts";
import { type Metadata, noMetadata } from "#core/ports/component.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import { shownPath } from "#core/tracing/redact.ts";
import { startTrace } from "#core/tracing/start-trace.ts";
import { boundedBytes, boundedText } from "#core/util/bounded-read.ts";
import { joinedHeader } from "#core/util/header-list.ts";
import { splitTarget } from "#core/util/path.ts";

/** What a target knows of a request beside the request: above all who is calling. */
export interface RequestOrigin {
  readonly app: App;
  /** The request-target as it stood on the wire, before any URL parser resolved its dots. Default: from the URL. */
  readonly target?: string;
  /** The headers as they stood on the wire. Default: from the request. */
  readonly rawHeaders?: HeaderList;
  /** Came in where no API token is asked for: the target offers only harmless routes there. */
  readonly isPublicListener?: boolean;
  /** True: the target has found the app by the API token that was sent, which so holds. */
  readonly isAuthenticated?: boolean;
  /** Address of the peer, without a port; absent where the platform does not tell it. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** True: a body comes whose length no header tells (HTTP/2). */
  readonly hasBody?: boolean;
  /** Measures this request; set by the surface, for an app with metrics. */
  exchange?: HttpExchange;
  /** The body of a GET, which `Request` cannot carry. To be asked for once, where the headers speak of one. */
  bodyOfGet?(): ReadableStream<Uint8Array>;
}
export type HttpContext = Context<{ Bindings: RequestOrigin }>;

/** One HTTP request to the API, and the call that it makes. Everything is read only when asked for. */
export class HttpInput implements Call {
  readonly app: App;
  readonly request: Request;
  readonly target: string;
  readonly metadata: Metadata;
  readonly trace: TraceContext | undefined;
  readonly #context: HttpContext;
  #query: string;

  /** `traced`: false for what is no part of anybody's work, and gets no span. */
  constructor(context: HttpContext, traced: boolean) {
    const caller = context.env;
    this.#context = context;
    this.app = caller.app;
    this.request = context.req.raw;
    this.target = caller.target ?? targetOf(this.request.url);
    const { path, query } = splitTarget(this.target);
    this.#query = query;
    this.metadata = this.#query.includes("metadata.") ? metadataOf(this.#query) : noMetadata;
    this.trace =
      traced && this.app.policies.samplingRate !== 0
        ? startTrace(
            this.app.policies,
            this.header("traceparent"),
            this.header("tracestate"),
            path,
            "client",
          )
        : undefined;
    if (this.trace?.span) this.trace.span.name = shownPath(path);
  }
  get signal(): AbortSignal {
    return this.request.signal;
  }
  get wire(): "http" {
    return "http";
  }
  /** A path parameter, decoded; empty when the route has none of that name. */
  param(name: string): string {
    return this.#context.req.param(name as never) ?? "";
  }
  /** First value of a query parameter. */
  query(name: string): string | undefined {
    if (this.#query === "") return undefined;
    return new URLSearchParams(this.#query).get(name) ?? undefined;
  }
  /** `name` in lower case. */
  header(name: string): string | undefined {
    const { rawHeaders } = this.#context.env;
    return rawHeaders
      ? joinedHeader(rawHeaders, name)
      : (this.request.headers.get(name) ?? undefined);
  }
  /** The caller's end of the connection, as far as the platform tells it. */
  get remote(): { readonly address?: string | undefined; readonly port?: number | undefined } {
    const { remoteAddress: address, remotePort: port } = this.#context.env;
    return { address, port };
  }
  /** Headers as the caller sent them, repeated ones apart. */
  get headers(): HeaderList {
    return this.#context.env.rawHeaders ?? [...this.request.headers].flat();
  }
  /** True when the platform says nothing of a body's length, so that only reading shows whether there is one. */
  get streams(): boolean {
    const { hasBody, rawHeaders } = this.#context.env;
    return hasBody ?? (rawHeaders === undefined && this.request.body !== null);
  }
  /** The body as it comes, of any method. */
  get body(): ReadableStream<Uint8Array> | null {
    const { method } = this.request;
    return method === "GET" || method === "HEAD"
      ? (this.#context.env.bodyOfGet?.() ?? null)
      : this.request.body;
  }
  /** The body; rejects with `TooLargeError` past the app's limit. */
  text(): Promise<string> {
    return boundedText(this.request, this.app.limits.maxBodyBytes);
  }
  bytes(): Promise<Uint8Array> {
    return boundedBytes(this.request, this.app.limits.maxBodyBytes);
  }
}

/** Path and query of an absolute URL, as they stand in it. */
export function targetOf(url: string): string {
  const slash = url.indexOf("/", url.indexOf("://") + 3);
  return slash === -1 ? "/" : url.slice(slash);
}

const prefix = "metadata.";
/** `metadata.<name>=<value>`; the first of repeated names counts. */
function metadataOf(query: string): Metadata {
  const out: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (!name.startsWith(prefix)) continue;
    const key = name.slice(prefix.length);
    if (!Object.hasOwn(out, key)) out[key] = value;
  }
  return out;
}
