import type { ClientHttp2Session, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/**
 * Ends sessions whose other side says nothing any more: a machine that loses its power ends no connection, and what was
 * sent to it before is waited for until the kernel gives up, a quarter of an hour later.
 */
export interface Silence extends Disposable {
  /** From when the session is connected until its socket has closed. Nobody is asked while it does not matter. */
  watch(session: ClientHttp2Session | ServerHttp2Session, matters: () => boolean): void;
}

interface Watched {
  readonly session: ClientHttp2Session | ServerHttp2Session;
  readonly socket: Socket;
  readonly matters: () => boolean;
  /** Bytes of the other side at the last look. */
  heard: number;
  /** Looks since then that found no more of them. */
  silent: number;
  /** `silent` when the other side was asked for a sign of life. */
  askedAt: number | undefined;
}

const lookMs = 5000;
/** In looks, not by the clock: a process that stood still has heard nothing either. */
const answerLooks = 10_000 / lookMs;

/** After so long without a byte the other side is pinged; it has 10 s for any byte. */
export function endSilent(silentMs: number): Silence {
  const silentLooks = silentMs / lookMs;
  const all = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    for (const watched of all) {
      const { session, askedAt } = watched;
      if (hasSpoken(watched)) continue;
      const silent = ++watched.silent;
      if (askedAt !== undefined) {
        // What came while this process was busy is read before.
        if (silent - askedAt >= answerLooks) setImmediate(end, watched);
      } else if (session.destroyed) {
        // It waits for the other side to close the connection, too.
        watched.askedAt = silent;
      } else if (silent >= silentLooks && watched.matters()) {
        watched.askedAt = silent;
        ask(session);
      }
    }
  }
  function add(watched: Watched): void {
    if (watched.socket.destroyed) return;
    all.add(watched);
    timer ??= setInterval(look, lookMs).unref();
    watched.socket.once("close", () => {
      all.delete(watched);
      if (all.size === 0) stop();
    });
  }
  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }
  return {
    watch: (session, matters) => {
      // Its own `socket` is a stand-in that cannot be destroyed.
      session.once("connect", (_session: unknown, socket: Socket) =>
        add({ session, socket, matters, heard: 0, silent: 0, askedAt: undefined }),
      );
    },
    [Symbol.dispose]: () => {
      all.clear();
      stop();
    },
  };
}

function hasSpoken(watched: Watched): boolean {
  const { bytesRead } = watched.socket;
  if (bytesRead === watched.heard) return false;
  watched.heard = bytesRead;
  watched.silent = 0;
  watched.askedAt = undefined;
  return true;
}

function ask(session: Watched["session"]): void {
  // Node pings no session that is closing, but its calls in flight may take long. Settings are answered as well.
  if (session.closed) session.settings({});
  else session.ping(() => {});
}

function end(watched: Watched): void {
  if (hasSpoken(watched)) return;
  const { session, socket } = watched;
  session.destroy(new Error("The other side of the connection has fallen silent"));
  // A session closes its socket only once all has been sent.
  socket.destroy();
}
