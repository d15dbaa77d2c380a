/** The Kubernetes API as far as we need it; `open-client.ts` makes one. */
export interface KubeClient extends AsyncDisposable {
  /** `https://host:port`, for messages. */
  readonly server: string;
  /**
   * One request; `path` as in the API reference, with query. Answers are bounded (`maxBytes`, default 32 MiB).
   * Rejects with a `KubeError` for a status of 400 or more, and for a server that does not answer (`code` 0).
   */
  request<T>(method: Method, path: string, options?: RequestOptions): Promise<T>;
  /**
   * A watch: the events of one connection, each a JSON document of a line. Ends when the server ends it; rejects
   * as `request` does. A line is bounded (4 MiB).
   */
  watch<T>(path: string, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The answer as it comes (pod logs). */
  stream(
    path: string,
    options: { readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
}
export interface WatchOptions {
  readonly signal: AbortSignal;
  /** The server has taken the watch; events may be long in coming. */
  opened?(): void;
}
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: `application/json`; of a PATCH `application/merge-patch+json`. */
  readonly contentType?: string;
  readonly maxBytes?: number;
  /** Default: 15 s. */
  readonly timeoutMs?: number;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  /** With `ERROR` a `Status`. */
  readonly object: T;
}

/** An answer that is none: the server refused, or was not there. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** HTTP status; 0: no answer. */
  readonly code: number;
  /** As Kubernetes gives it (`NotFound`, `Forbidden`...); empty where it gives none. */
  readonly reason: string;
  /** What the server asks to wait. */
  readonly retryAfterMs: number | undefined;
  constructor(
    message: string,
    fields: {
      readonly code: number;
      readonly reason?: string;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: fields.cause });
    this.code = fields.code;
    this.reason = fields.reason ?? "";
    this.retryAfterMs = fields.retryAfterMs;
  }
  /** True for what may go well another time: no answer, 429, 5xx. */
  get isTransient(): boolean {
    return this.code === 0 || this.code === 429 || this.code >= 500;
  }
}
