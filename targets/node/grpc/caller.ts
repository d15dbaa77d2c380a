import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { App } from "#core/kernel/app.ts";
import { plainAddress } from "../listen/plain-address.ts";
import type { GrpcRequestOrigin } from "#core/wire/grpc/input.ts";

/** Who calls over one HTTP/2 stream. The signal is made only when somebody asks for it. */
export class StreamOrigin implements GrpcRequestOrigin {
  readonly app: App;
  readonly isAuthenticated: boolean;
  /** Response metadata set so far. */
  metadata: OutgoingHttpHeaders | undefined;
  readonly #headers: IncomingHttpHeaders;
  readonly #stream: Pick<ServerHttp2Stream, "once" | "destroyed" | "session">;
  #abort: AbortController | undefined;
  #reason: Error | undefined;

  constructor(
    app: App,
    headers: IncomingHttpHeaders,
    stream: Pick<ServerHttp2Stream, "once" | "destroyed" | "session">,
    isAuthenticated = false,
  ) {
    this.app = app;
    this.isAuthenticated = isAuthenticated;
    this.#headers = headers;
    this.#stream = stream;
  }
  get remoteAddress(): string | undefined {
    return plainAddress(this.#stream.session?.socket.remoteAddress);
  }
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#reason) this.#abort.abort(this.#reason);
      else if (this.#stream.destroyed) this.#abort.abort(gone());
      else this.#stream.once("close", () => this.#abort?.abort(gone()));
    }
    return this.#abort.signal;
  }
  /** Ends what the call has started, for a reason of the transport's. */
  cancel(reason: Error): void {
    this.#reason = reason;
    this.#abort?.abort(reason);
  }
  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }
  headers(): readonly string[] {
    const out: string[] = [];
    for (const name in this.#headers) {
      const value = this.#headers[name];
      if (value === undefined || transportOnly.has(name)) continue;
      if (Array.isArray(value)) for (const each of value) out.push(name, each);
      else out.push(name, value);
    }
    return out;
  }
  setHeader(name: string, value: string): void {
    if (name !== traceHeader && !validName.test(name)) return;
    // A value that HTTP cannot carry must not end the call.
    const safe =
      name === traceHeader ? value : value.replace(/[^\u0020-\u007e\u0080-\u00ff]/g, "?");
    const metadata = (this.metadata ??= Object.create(null) as OutgoingHttpHeaders);
    const before = metadata[name];
    metadata[name] = before === undefined ? safe : [before as string | string[], safe].flat();
  }
}
const transportOnly: ReadonlySet<string> = new Set([
  ":method",
  ":scheme",
  ":path",
  "te",
  "content-type",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
]);
/** On every traced call, and always well-formed. */
const traceHeader = "grpc-trace-bin";
const validName = /^[a-z0-9_.-]+$/;

function gone(): Error {
  return new Error("The caller has ended the call");
}
