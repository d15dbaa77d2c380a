import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { Readable } from "node:stream";
import type { App } from "#core/kernel/app.ts";
import type { RequestOrigin } from "#core/wire/http/input.ts";
import { headersOf } from "./h2c.ts";
import { plainAddress } from "./plain-address.ts";

/** Reads the wire's own target and headers, which `Request` has already normalised. */
export class NodeRequestOrigin implements RequestOrigin {
  readonly app: App;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly isPublicListener: boolean;
  readonly isAuthenticated: boolean;
  readonly #incoming: IncomingMessage;
  constructor(
    app: App,
    incoming: IncomingMessage,
    isPublicListener: boolean,
    isAuthenticated = false,
  ) {
    this.app = app;
    this.isPublicListener = isPublicListener;
    this.isAuthenticated = isAuthenticated;
    this.target = pathAndQuery(incoming.url ?? "/");
    this.rawHeaders = incoming.rawHeaders;
    this.#incoming = incoming;
  }
  get remoteAddress(): string | undefined {
    return plainAddress(this.#incoming.socket.remoteAddress);
  }
  get remotePort(): number | undefined {
    return this.#incoming.socket.remotePort;
  }
  bodyOfGet(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.#incoming) as ReadableStream<Uint8Array>;
  }
}
/** The same of HTTP/2, which may send a body without a word. */
export class Http2RequestOrigin implements RequestOrigin {
  readonly app: App;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly isPublicListener = false;
  readonly isAuthenticated: boolean;
  readonly hasBody: boolean;
  readonly #incoming: Http2ServerRequest;
  constructor(app: App, incoming: Http2ServerRequest, isAuthenticated = false) {
    this.app = app;
    this.isAuthenticated = isAuthenticated;
    this.target = pathAndQuery(incoming.url);
    this.rawHeaders = headersOf(incoming);
    this.hasBody = !incoming.stream.endAfterHeaders;
    this.#incoming = incoming;
  }
  get remoteAddress(): string | undefined {
    return plainAddress(this.#incoming.socket.remoteAddress);
  }
  get remotePort(): number | undefined {
    return this.#incoming.socket.remotePort;
  }
  bodyOfGet(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.#incoming) as ReadableStream<Uint8Array>;
  }
}
/** A proxy's absolute-form target names the host again; the path is what counts. */
export function pathAndQuery(url: string): string {
  if (url.startsWith("/")) return url;
  const slash = url.indexOf("/", url.indexOf("://") + 3);
  return slash === -1 ? "/" : url.slice(slash);
}
