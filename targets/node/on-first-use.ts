import type { Socket } from "node:net";

/** Speaks a protocol over connections that somebody else has accepted. */
export interface Endpoint {
  accept(socket: Socket): void;
  /** Takes no new calls; resolves when those in flight have ended. */
  drain(): Promise<void>;
  /** Ends every connection at once. */
  close(): Promise<void>;
}

/**
 * An endpoint that is made with its first connection: a process that is never called over HTTP/2 does not load what
 * speaks it. Connections wait, unread, while it is being made; if it cannot be made, they are closed, and the next one
 * tries again.
 */
export function onFirstUse(
  make: () => Promise<Endpoint>,
  failed: (reason: unknown) => void,
): Endpoint {
  let making: Promise<Endpoint> | undefined;
  let made: Endpoint | undefined;
  const waiting = new Set<Socket>();
  const settled = (): Promise<Endpoint | undefined> | undefined => making?.catch(() => undefined);
  return {
    accept: (socket) => {
      if (made) return made.accept(socket);
      // "close" follows, and tells.
      socket.on("error", () => {});
      waiting.add(socket);
      making ??= make();
      making.then(
        (endpoint) => {
          made = endpoint;
          waiting.delete(socket);
          if (!socket.destroyed) endpoint.accept(socket);
        },
        (reason: unknown) => {
          making = undefined;
          waiting.delete(socket);
          socket.destroy();
          failed(reason);
        },
      );
    },
    drain: async () => (await settled())?.drain(),
    close: async () => {
      for (const socket of waiting) socket.destroy();
      await (await settled())?.close();
    },
  };
}
