import type { IncomingMessage, RequestListener, Server } from "node:http";
import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";

export interface H2cOptions {
  readonly listener: RequestListener;
  /** Of one request; more is answered 431. */
  readonly maxHeaderBytes: number;
}
/** The HTTP/2 side of a port that speaks HTTP/1. */
export interface H2c {
  /** Lets open streams end, then their connections; those that have said nothing yet may still do so for `idleMs`. */
  drain(idleMs?: number): void;
  destroy(): void;
}

/** What a client with prior knowledge sends first; no HTTP/1 method starts like this. */
const preface = "PRI";
const firstBytesMs = 10_000;
/** As Go's server. */
const maxConcurrentStreams = 250;

/**
 * Lets clients that begin with HTTP/2 have it on the same port (h2c with prior knowledge). The first bytes of a
 * connection decide, once; its requests then go the usual way.
 */
export function offerH2c(server: Server, { listener, maxHeaderBytes }: H2cOptions): H2c {
  const sessions = new Set<ServerHttp2Session>();
  const undecided = new Set<Socket>();
  let isDraining = false;
  let http2: Http2Server | undefined;
  // With the first connection that speaks it: Node reads its HTTP/2 from disk for that.
  const openHttp2 = (): Http2Server => {
    const opened = createServer(
      // Node itself ends streams with 64 KiB of headers, without an answer.
      { settings: { maxConcurrentStreams } },
      (incoming, outgoing) => {
        if (sizeOf(incoming.rawHeaders) <= maxHeaderBytes)
          return listener(incoming as unknown as IncomingMessage, outgoing as never);
        outgoing.statusCode = 431;
        outgoing.end();
      },
    );
    opened.on("session", (session) => {
      sessions.add(session);
      if (isDraining) session.once("stream", () => session.close());
      session.once("close", () => sessions.delete(session));
      // "close" follows, and tells.
      session.on("error", () => {});
    });
    return opened;
  };
  const speakHttp1 = server.listeners("connection") as Array<(socket: Socket) => void>;
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const gone = (): void => void undecided.delete(socket);
    const late = (): void => void socket.destroy();
    let first: Buffer | undefined;
    const look = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      first = first ? Buffer.concat([first, bytes]) : bytes;
      const start = first.toString("latin1", 0, preface.length);
      if (start.length < preface.length && preface.startsWith(start)) return;
      socket.unshift(first);
      socket.off("readable", look).off("error", late).off("close", gone);
      socket.setTimeout(0, late).off("timeout", late);
      gone();
      if (start === preface) (http2 ??= openHttp2()).emit("connection", socket);
      else for (const speak of speakHttp1) speak.call(server, socket);
    };
    undecided.add(socket);
    socket.on("readable", look).on("error", late).on("close", gone);
    socket.setTimeout(firstBytesMs, late);
  });
  return {
    drain: (idleMs = 0) => {
      isDraining = true;
      const end = (): void => {
        for (const socket of undecided) socket.destroy();
      };
      // The first request of a connection may be on its way.
      if (idleMs === 0) end();
      else setTimeout(end, idleMs).unref();
      for (const session of sessions) session.close();
    },
    destroy: () => {
      for (const socket of undecided) socket.destroy();
      for (const session of sessions) session.destroy();
    },
  };
}

export function isHttp2(
  incoming: IncomingMessage | Http2ServerRequest,
): incoming is Http2ServerRequest {
  return incoming.httpVersionMajor === 2;
}

/** Ends the connection of a call, once that has its answer. */
export function closeAfter(stream: ServerHttp2Stream): void {
  const { session } = stream;
  stream.once("close", () => session?.close());
}

/** Names and values in turn, as HTTP/1 would have them. */
export function headersOf({ rawHeaders, authority }: Http2ServerRequest): readonly string[] {
  const list: string[] = authority ? ["host", authority] : [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!rawHeaders[i]?.startsWith(":"))
      list.push(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  return list;
}

/** As HTTP/2 counts them. */
function sizeOf(headers: readonly string[]): number {
  return headers.reduce((size, text) => size + text.length + 16, 0);
}
