import type { AppCallback } from "./app-callback.ts";
import type { CallOptions } from "./component.ts";
import type { OtlpGrpcChannel, OtlpGrpcTarget } from "./otlp-grpc.ts";

/** Time, so that tests can control it. */
export interface Clock {
  /** Returns the current time in milliseconds since 1970 (UTC). */
  now(): number;
  /**
   * Returns milliseconds since an arbitrary moment, with fractions. Never set back, so it measures how
   * long something took.
   */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds.
   *
   * @throws the signal's reason if the signal fires first.
   */
  sleep(ms: number, options: CallOptions): Promise<void>;
  /**
   * Calls `run` once after `ms` milliseconds. Returns a function that cancels this. Does not keep
   * the process alive.
   */
  after(ms: number, run: () => void): () => void;
}
/** The runtime's log. `fields` are added to the line; `app_id` names the app that it is about. */
export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/**
 * Alternating names and values in the form in which they are sent, so that no object is built for
 * a header that nothing reads. Each character of a value is one byte (0 to 255), regardless of the
 * encoding that its sender had in mind. `headerValue` converts text to such a value.
 */
export type HeaderList = readonly string[];

/**
 * A request as a plain object. Building WHATWG `Request` and `Headers` objects for each hop would
 * cost more than the hop itself.
 */
export interface PlainRequest {
  readonly method: string;
  /** Encoded path with query, starting with "/". */
  readonly path: string;
  readonly headers: HeaderList;
  /** `undefined` if the request has no body. */
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>;
  /**
   * Length in bytes of a streamed body; `undefined` if the sender did not report it. `headers` do
   * not contain `content-length`.
   */
  readonly bodyBytes?: number;
  /** Purpose of a request from the runtime to the app; `undefined` for an invocation. */
  readonly callback?: AppCallback;
  /** Type URL of the message in the body, if a gRPC caller set it (`Any.type_url`). */
  readonly dataTypeUrl?: string;
}
/** A response as a plain object. */
export interface PlainResponse {
  readonly status: number;
  /** Reason phrase of the status line; `undefined` if the platform does not provide it. */
  readonly reason?: string;
  readonly headers: HeaderList;
  /** `undefined` if the response has no body. */
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>;
  /** Type URL of the message in the body, if a gRPC app set it (`Any.type_url`). */
  readonly dataTypeUrl?: string;
  /**
   * Status of a gRPC app's call that failed; `undefined` otherwise. `details` is a serialised
   * `google.rpc.Status`.
   */
  readonly rpcStatus?: {
    readonly code: number;
    readonly message: string;
    readonly details?: Uint8Array;
  };
  /**
   * Output bindings that receive a gRPC app's response to a binding event; see
   * `BindingEventResponse` in Dapr's API.
   */
  readonly forward?: { readonly to: readonly string[]; readonly parallel: boolean };
}

/** The connection to an app. */
export interface AppChannel {
  /**
   * Sends a request to the app and resolves with its response, whatever the status. Does not follow
   * redirects.
   *
   * @throws {Error} only if there is no response.
   */
  send(request: PlainRequest, options: CallOptions): Promise<PlainResponse>;
}
/** Finds apps that other runtimes host. */
export interface PeerChannel {
  /**
   * Returns a channel to the app `to`, which calls it as the app `from`. Resolves with `undefined`
   * if no runtime hosts the app.
   *
   * @throws {Error} if the app cannot be looked up.
   */
  find(to: AppRef, options: CallOptions, from: AppRef): Promise<AppChannel | undefined>;
  /**
   * Returns a channel to the runtime at that address (`host:port`), which calls its app `to` as the app
   * `from`. Nothing is resolved. Each `to.id` has connections of its own, because several processes
   * can share an address. Absent if runtimes cannot reach each other. A call that fails with a
   * `PermanentError` is not tried again.
   */
  at?(address: string, to: AppRef & { readonly id: string }, from: AppRef): AppChannel;
  /**
   * Resolves with true if another runtime hosts the app too. Called if the instances in this
   * runtime are not available.
   */
  isElsewhere?(to: AppRef): Promise<boolean>;
}

/** The identity of an app. Never taken from what a caller claims about itself. */
export interface AppRef {
  readonly namespace: string;
  readonly appId: string;
}

/**
 * TLS certificates of a client. Each value is PEM text or, on platforms with files, the path of a
 * file.
 */
export interface ClientTls {
  /** Root certificates that are trusted instead of the system's. */
  readonly rootCa?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** A request to any address. */
export interface OutsideRequest extends Pick<
  PlainRequest,
  "method" | "headers" | "body" | "bodyBytes"
> {
  /** Absolute http or https URL. */
  readonly url: string;
}
/**
 * Sends a request to an address outside of the runtime. Resolves with the response, including
 * redirects, which are not followed. Bodies are not decompressed.
 *
 * @throws {Error} if there is no response.
 */
export type SendOutside = (request: OutsideRequest, options: CallOptions) => Promise<PlainResponse>;

/** Everything that a target provides to the core, in one object literal in its composition root. */
export interface Platform {
  readonly clock: Clock;
  readonly log: Log;
  /** For the runtime's own requests: keys, tokens, exporters. */
  readonly fetch: typeof fetch;
  /**
   * For requests on behalf of apps: HTTP bindings, HTTPEndpoints, URLs. Adds no headers except
   * `host`, `connection` and those that frame the body. If `undefined`, `fetch` is used instead.
   */
  readonly send?: SendOutside;
  /**
   * Returns a `send` with the given certificates. Absent if the platform does not support client
   * certificates.
   *
   * @throws {Error} if the certificates cannot be used.
   */
  sendWith?(tls: ClientTls): SendOutside;
  /** The runtime's environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * The environment variables that resources may refer to, if their authors must not see the rest
   * of the environment. `undefined` means all.
   */
  readonly documentEnv?: Readonly<Record<string, string | undefined>>;
  /** Address and name of this host, for `Forwarded` headers (RFC 7239). */
  readonly host: { readonly address: string; readonly name: string };
  /** Finds apps of other processes. `undefined` if the platform has none. */
  readonly peers?: PeerChannel;
  /** Connects to a receiver of OTLP over gRPC. Absent if the platform does not support gRPC. */
  openOtlpGrpc?(to: OtlpGrpcTarget): Promise<OtlpGrpcChannel>;
  /**
   * True if nothing runs between requests, so that everything must be sent as part of the request
   * that caused it.
   */
  readonly sleepsBetweenRequests?: boolean;
  /**
   * Returns the SHA-256 digest of a text as hexadecimal. Absent if the platform has no synchronous
   * implementation. It is called for every API token.
   */
  sha256?(text: string): string;
  /**
   * Returns how long the event loop has been busy since the start, in milliseconds. Absent if the
   * platform does not report it.
   */
  loopActiveMs?(): number;
  /**
   * Resolves after one turn of the event loop, in which other work can run. Absent if calls do not
   * share an event loop.
   */
  readonly turn?: () => Promise<void>;
  /**
   * Returns a binding of the platform (Workers: `env.NAME`); `undefined` if it does not exist.
   */
  binding(name: string): unknown;
  /** Registers work that outlives the request that started it (`waitUntil`). */
  background(work: Promise<unknown>): void;
}
