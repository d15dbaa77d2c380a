import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { wideHeaders } from "../listen/http2-limits.ts";

export interface Http2PoolOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly authority: string;
  /** A function is asked anew for each connection. */
  readonly tls?: TlsOptions | (() => TlsOptions);
  /** Sessions without a stream close after this time. Default: 3 minutes, as Dapr's pool. */
  readonly idleMs?: number;
  /** Largest header block that a peer may send, in bytes. */
  readonly maxHeaderBytes?: number;
  /**
   * Is given each session, and when it carries streams: to end those that fall silent. Not for apps: one that stands at
   * a breakpoint says nothing, and keeps its calls.
   */
  readonly watch?: (session: ClientHttp2Session, isBusy: () => boolean) => void;
}

type TlsOptions = Pick<
  SecureClientSessionOptions,
  "ca" | "cert" | "key" | "rejectUnauthorized" | "checkServerIdentity" | "servername"
>;

/** HTTP/2 to one address, over as many sessions as the streams need. */
export interface Http2Pool extends AsyncDisposable {
  /** True without a session. */
  readonly isEmpty: boolean;
  /** Opens a stream once a session has room for it; rejects when no connection can be made. */
  request(
    headers: OutgoingHttpHeaders,
    options?: ClientSessionRequestOptions,
  ): Promise<ClientHttp2Stream>;
  /** As `request`, at once; `undefined` where a connection must be made first. */
  requestNow(
    headers: OutgoingHttpHeaders,
    options?: ClientSessionRequestOptions,
  ): ClientHttp2Stream | undefined;
}

interface Pooled {
  readonly session: ClientHttp2Session;
  /** Settles when it is known how many streams the session can carry, or that it cannot be made. */
  readonly ready: Promise<void>;
  isReady: boolean;
  streams: number;
  /** Accepts no further streams (GOAWAY, closed). */
  retired: boolean;
  /** One for all streams. */
  readonly onStreamClose: () => void;
}

const connectMs = 15_000;
/** How many wait for a session until the peer's settings are known; what most servers allow. */
const firstLimit = 100;

export function createHttp2Pool(options: Http2PoolOptions): Http2Pool {
  const sessions = new Set<Pooled>();
  let closed = false;

  function open(): Pooled {
    const session = connectTo(options);
    const pooled: Pooled = {
      session,
      streams: 0,
      retired: false,
      isReady: false,
      ready: connected(session).then(() => void (pooled.isReady = true)),
      onStreamClose: () => released(pooled),
    };
    // Whoever waits sees it; a session that nobody waits for may fail alone.
    pooled.ready.catch(() => {});
    sessions.add(pooled);
    const retire = (): void => {
      pooled.retired = true;
      sessions.delete(pooled);
    };
    session.once("goaway", retire);
    session.once("close", retire);
    // Streams report the failure; a session without any has nobody to tell.
    session.on("error", retire);
    // Not by the callback of `setTimeout`, which is called once: a quiet stream may have used that up.
    session.on("timeout", () => {
      if (pooled.streams > 0) return;
      // At once, for a peer that is gone never closes its side.
      retire();
      session.close();
    });
    options.watch?.(session, () => pooled.streams > 0);
    session.unref();
    return pooled;
  }

  function withRoom(): Pooled {
    for (const pooled of sessions) if (hasRoom(pooled)) return pooled;
    return open();
  }

  const used = (pooled: Pooled): void => {
    if (pooled.streams++ === 0) pooled.session.ref();
  };
  const released = (pooled: Pooled): void => {
    if (--pooled.streams === 0) pooled.session.unref();
  };
  function start(
    pooled: Pooled,
    headers: OutgoingHttpHeaders,
    streamOptions: ClientSessionRequestOptions | undefined,
  ): ClientHttp2Stream {
    const stream = pooled.session.request(headers, streamOptions);
    stream.once("close", pooled.onStreamClose);
    return stream;
  }

  return {
    get isEmpty() {
      return sessions.size === 0;
    },
    request: async (headers, streamOptions) => {
      for (;;) {
        if (closed) throw new Error("The connection pool is closed");
        const pooled = withRoom();
        used(pooled);
        try {
          if (pooled.isReady) return start(pooled, headers, streamOptions);
          await pooled.ready;
          if (pooled.streams <= limitOf(pooled)) return start(pooled, headers, streamOptions);
        } catch (reason) {
          released(pooled);
          throw reason;
        }
        // The peer takes fewer streams than have waited for it: this one goes over another connection.
        released(pooled);
      }
    },
    requestNow: (headers, streamOptions) => {
      if (closed) return undefined;
      for (const pooled of sessions) {
        if (!pooled.isReady || !hasRoom(pooled)) continue;
        used(pooled);
        try {
          return start(pooled, headers, streamOptions);
        } catch {
          released(pooled);
        }
      }
      return undefined;
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      await Promise.all([...sessions].map(({ session }) => destroyed(session)));
    },
  };
}

/** Per stream and per session: enough that one round trip does not stall a large body, little enough to bound memory. */
const window = 1 << 20;

function connectTo({
  authority,
  tls,
  maxHeaderBytes,
  idleMs = 180_000,
}: Http2PoolOptions): ClientHttp2Session {
  const session = connect(authority, {
    ...(typeof tls === "function" ? tls() : tls),
    settings: {
      enablePush: false,
      initialWindowSize: window,
      ...(maxHeaderBytes === undefined ? {} : { maxHeaderListSize: maxHeaderBytes }),
    },
    ...wideHeaders,
  });
  session.once("connect", () => session.setLocalWindowSize(window));
  session.setTimeout(idleMs);
  return session;
}

/** A session that has ended may still wait for its socket to close. */
function hasRoom(pooled: Pooled): boolean {
  const { session, streams, retired } = pooled;
  return !retired && !session.closed && !session.destroyed && streams < limitOf(pooled);
}

function limitOf({ session, isReady }: Pooled): number {
  if (!isReady) return firstLimit;
  const limit = session.remoteSettings.maxConcurrentStreams ?? maxStreams;
  // A peer that takes none now may do so later.
  return Math.max(1, Math.min(limit, maxStreams));
}
/** Peers that set no limit get one: past it a further connection carries more than a further stream. */
const maxStreams = 1000;

function connected(session: ClientHttp2Session): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      session.destroy(new Error(`No connection within ${connectMs} ms`), constants.NGHTTP2_CANCEL);
    }, connectMs);
    // Every peer sends its settings first; a stream that it does not allow would wait for the others to end.
    session.once("remoteSettings", () => {
      clearTimeout(timer);
      resolve();
    });
    session.once("close", () => {
      clearTimeout(timer);
      reject(new Error("The connection was closed"));
    });
    session.once("error", (reason: Error) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}

function destroyed(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    session.once("close", resolve);
    session.destroy();
  });
}
