import type { Socket } from "node:net";

export interface Peek<T> {
  /** Takes the next bytes; `undefined` as long as they do not say enough. */
  take(bytes: Buffer): T | undefined;
  /** When it resolves, `take` is asked once more, with no bytes: they may say enough now. */
  readonly also?: Promise<unknown>;
  /** What counts when nothing more has come in time. */
  late(): T | undefined;
  readonly ms: number;
}

/**
 * Reads the first bytes of a connection that is paused, until they say enough; then nobody reads on here. `undefined`:
 * it has ended, or said nothing of use.
 */
export function peek<T>(socket: Socket, { take, also, late, ms }: Peek<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    let isOver = false;
    const end = (found: T | undefined): void => {
      isOver = true;
      clearTimeout(timer);
      socket.off("readable", look).off("close", gone);
      stopReading(socket);
      resolve(found);
    };
    const look = (): void => {
      const bytes = socket.read() as Buffer | null;
      const found = bytes === null ? undefined : take(bytes);
      if (found !== undefined) end(found);
    };
    void also?.then(() => {
      const found = isOver ? undefined : take(Buffer.alloc(0));
      if (found !== undefined) end(found);
    });
    const gone = (): void => end(undefined);
    const timer = setTimeout(() => end(late()), ms).unref();
    socket.on("readable", look).once("close", gone);
  });
}

/**
 * Between here and the group's process nobody may take bytes off the connection. Node stops reading only when its
 * own buffer is full; `_handle` is the one private member that this relies on, and a test fails when it goes.
 */
export function stopReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (!handle) return;
  handle.reading = false;
  handle.readStop?.();
}
/** For a connection that stays here after all. */
export function startReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (!handle) return;
  handle.reading = true;
  handle.readStart?.();
}
function handleOf(
  socket: Socket,
): { reading?: boolean; readStart?(): void; readStop?(): void } | undefined {
  return (socket as unknown as { readonly _handle?: object })._handle;
}
