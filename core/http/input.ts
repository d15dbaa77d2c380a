import type { Context } from "hono";
import type { App } from "#core/app.ts";
import type { Call } from "#core/call.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { type Metadata, noMetadata } from "#core/ports/component.ts";
import { traceFrom, type TraceContext } from "#core/trace-context.ts";
import { boundedBytes, boundedText } from "#core/util/bounded-read.ts";
import { splitTarget } from "./path.ts";

/** What a target knows of a request beside the request: above all who is calling. */
export interface Caller {
  readonly app: App;
  /** The request-target as it stood on the wire, before any URL parser resolved its dots. Default: from the URL. */
  readonly target?: string;
  /** The headers as they stood on the wire. Default: from the request. */
  readonly rawHeaders?: HeaderList;
  /** Came in where no API token is asked for: the target offers only harmless routes there. */
  readonly tokenFree?: boolean;
  /** Address of the peer, without a port; absent where the platform does not tell it. */
  readonly remoteAddress?: string | undefined;
  /** True: a body comes whose length no header tells (HTTP/2). */
  readonly hasBody?: boolean;
  /** The body of a GET, which `Request` cannot carry. To be asked for once, where the headers speak of one. */
  bodyOfGet?(): ReadableStream<Uint8Array>;
}
export type HttpContext = Context<{ Bindings: Caller }>;

/** One HTTP request to the API, and the call that it makes. Everything is read only when asked for. */
export class HttpInput implements Call {
  readonly app: App;
  readonly request: Request;
  readonly target: string;
  readonly metadata: Metadata;
  readonly trace: TraceContext | undefined;
  readonly #context: HttpContext;
  #query: string;

  constructor(context: HttpContext) {
    const caller = context.env;
    this.#context = context;
    this.app = caller.app;
    this.request = context.req.raw;
    this.target = caller.target ?? targetOf(this.request.url);
    this.#query = splitTarget(this.target).query;
    this.metadata = this.#query.includes("metadata.") ? metadataOf(this.#query) : noMetadata;
    this.trace =
      this.app.samplingRate === 0
        ? undefined
        : traceFrom(
            this.header("traceparent"),
            this.header("tracestate"),
            () => Math.random() < this.app.samplingRate,
          );
  }
  get signal(): AbortSignal {
    return this.request.signal;
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
  header(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined;
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
