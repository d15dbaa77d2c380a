import type { Socket } from "node:net";

/**
 * Resolves once all that the connection was to carry is sent, or it is gone. An HTTP/2 session ends its connection after
 * the last call, and says so too late: never, where the client's end came first; and not before a client that hangs has
 * closed.
 */
export function written(socket: Socket): Promise<void> {
  if (socket.destroyed || socket.writableFinished) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once("finish", resolve);
    socket.once("close", () => resolve());
  });
}
