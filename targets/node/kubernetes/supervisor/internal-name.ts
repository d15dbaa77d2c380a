import type { Socket } from "node:net";
import { serverNameIn } from "../client-hello.ts";
import { stopReading } from "./listeners.ts";

const readMs = 5000;
const mostBytes = 64 * 1024;

/** Reads on until the TLS client has said whom it wants. `undefined`: it is no such client, or went away. */
export function readServerName(
  socket: Socket,
): Promise<{ readonly name: string; readonly head: Buffer } | undefined> {
  return new Promise((resolve) => {
    let head: Buffer = Buffer.alloc(0);
    const end = (name: string | undefined): void => {
      clearTimeout(timer);
      socket.off("readable", look).off("close", gone);
      stopReading(socket);
      resolve(name === undefined ? undefined : { name, head });
    };
    const look = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      head = Buffer.concat([head, bytes]);
      const found = serverNameIn(head);
      if (found === "more" && head.length < mostBytes) return;
      end(typeof found === "string" ? undefined : found.name);
    };
    const gone = (): void => end(undefined);
    const timer = setTimeout(gone, readMs).unref();
    socket.on("readable", look).once("close", gone);
  });
}
