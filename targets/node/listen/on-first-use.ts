import type { Socket } from "node:net";
import { loadOnce } from "../load-once.ts";

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
  const open = loadOnce(make);
  let made: Endpoint | undefined;
  /** Each with what comes of it, once the endpoint is made or cannot be. */
  const waiting = new Map<Socket, Promise<void>>();
  return {
    accept: (socket) => {
      if (made) return made.accept(socket);
      // "close" follows, and tells.
      socket.on("error", () => {});
      const handedOver = open()
        .then(
          (endpoint) => {
            made = endpoint;
            if (!socket.destroyed) endpoint.accept(socket);
          },
          (reason: unknown) => {
            socket.destroy();
            failed(reason);
          },
        )
        .finally(() => waiting.delete(socket));
      waiting.set(socket, handedOver);
    },
    drain: async () => {
      await Promise.all(waiting.values());
      await made?.drain();
    },
    close: async () => {
      for (const socket of waiting.keys()) socket.destroy();
      await Promise.all(waiting.values());
      await made?.close();
    },
  };
}
