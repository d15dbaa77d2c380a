import type { AppCallback } from "./app-callback.ts";
import type { CallOptions } from "./component.ts";
import type { OtlpGrpcChannel, OtlpGrpcTarget } from "./otlp-grpc.ts";

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment or other, with fractions; never set back. For lengths of time: what began when, and how long it took. */
  monotonic(): number;
  /** Rejects with the signal's reason when it fires first. */
  sleep(ms: number, options: CallOptions): Promise<void>;
  /** Runs that once after so many milliseconds, unless what it gives back is called first. Keeps no process alive. */
  after(ms: number, run: () => void): () => void;
}
export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/**
 * Names and values in turn, as they stand on the wire: no object is built for a header that nobody reads. Each character
 * of a value is one byte (0 to 255), whatever encoding its writer had in mind; `headerValue` makes such values of texts.
 */
export type HeaderList = readonly string[];

/** A call in the plain: building WHATWG Request and Headers objects per hop costs more than the hop itself. */
export interface PlainRequest {
  readonly method: string;
  /** Encoded path with query, starting with "/". */
  readonly path: string;
  readonly headers: HeaderList;
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>;
  /** Length of a body that streams, where its sender has told it; `headers` hold no `content-length`. */
  readonly bodyBytes?: number;
  /** What the runtime itself wants of the app; absent for an invocation. */
  readonly callback?: AppCallback;
  /** Type of the message that the body is, where a gRPC caller named one. */
  readonly dataTypeUrl?: string;
}
export interface PlainResponse {
  readonly status: number;
  /** What stood beside the status, where the platform tells it. */
  readonly reason?: string;
  readonly headers: HeaderList;
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>;
  readonly dataTypeUrl?: string;
  /** How the call ended where the app speaks gRPC and it did not end well; `details` is a google.rpc.Status. */
  readonly rpcStatus?: {
    readonly code: number;
    readonly message: string;
    readonly details?: Uint8Array;
  };
  /** Output bindings that the answer to a binding's event goes on to (gRPC apps). */
  readonly forward?: { readonly to: readonly string[]; readonly parallel: boolean };
}

/** The way to one app. */
export interface AppChannel {
  /** Resolves with whatever the app answered; rejects only when no answer came. Redirects are not followed. */
  send(request: PlainRequest, options: CallOptions): Promise<PlainResponse>;
}
/** Calls an app that another runtime hosts, as the app that calls. */
export interface PeerChannel {
  /** `undefined` when no runtime offers such an app. */
  find(to: AppRef, options: CallOptions, from: AppRef): Promise<AppChannel | undefined>;
  /** Whether another runtime has the app as well; asked where those of this one are not available. */
  isElsewhere?(to: AppRef): Promise<boolean>;
}

/** An app by name. Never taken from what a caller claims about itself. */
export interface AppRef {
  readonly namespace: string;
  readonly appId: string;
}

/** Certificates of a client, each as PEM or, where the platform has files, as a path. */
export interface ClientTls {
  /** Trusted instead of the system's authorities. */
  readonly rootCa?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** A request to any address. */
export interface OutsideRequest extends Pick<
  PlainRequest,
  "method" | "headers" | "body" | "bodyBytes"
> {
  readonly url: string;
}
/**
 * Calls an address outside of the runtime. Redirects are answers and are not followed; bodies come as they are. Rejects
 * when no answer came.
 */
export type SendOutside = (request: OutsideRequest, options: CallOptions) => Promise<PlainResponse>;

/** All that a target supplies. One object literal in its composition root. */
export interface Platform {
  readonly clock: Clock;
  readonly log: Log;
  /** For questions of the runtime's own: keys, tokens, exporters. */
  readonly fetch: typeof fetch;
  /**
   * For calls that are others': HTTP bindings, HTTPEndpoints, URLs. Adds no header of its own but `host`, `connection` and
   * what frames the body. Absent where the platform has only `fetch`, which then takes its place.
   */
  readonly send?: SendOutside;
  /** `send` with certificates of one's own; throws for those that cannot be used. Absent where the platform has no such thing. */
  sendWith?(tls: ClientTls): SendOutside;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What of it documents may refer to, where they are others' than the environment is. Default: all. */
  readonly documentEnv?: Readonly<Record<string, string | undefined>>;
  /** Address and name of this host, for `Forwarded` headers. */
  readonly host: { readonly address: string; readonly name: string };
  readonly peers?: PeerChannel;
  /** Absent where gRPC cannot be spoken. */
  openOtlpGrpc?(to: OtlpGrpcTarget): Promise<OtlpGrpcChannel>;
  /** True: nothing runs between requests, so that what is to be sent goes with the request that made it. */
  readonly sleepsBetweenRequests?: boolean;
  /** SHA-256 of a text as hexadecimal, where the platform has it without a wait: it is asked for with every API token. */
  sha256?(text: string): string;
  /** How long the event loop has been busy since the start, in milliseconds; absent where the platform does not tell. */
  loopActiveMs?(): number;
  /** Resolves when the event loop has been round, and whoever has work at hand has had a turn; absent where calls share none. */
  readonly turn?: () => Promise<void>;
  binding(name: string): unknown;
  /** Work that outlives the request that started it (`waitUntil`). */
  background(work: Promise<unknown>): void;
}
