import type { Socket } from "node:net";
import { createHeadReader, type Head } from "./http-head.ts";
import { createHttp2Frames, type Http2Frames, readHttp2Head, settingsFrame } from "./http2-head.ts";
import { peek, startReading } from "./peek.ts";
import type { Routes } from "./routes.ts";

/** What a connection has said before anybody serves it. */
export interface Known {
  readonly head: Buffer;
  readonly isHttp2: boolean;
  group(routes: Routes): string | undefined;
}

function knownBy(found: Head, head: Buffer, isHttp2: boolean): Known {
  return {
    head,
    isHttp2,
    group: (routes) =>
      found.kind !== "token"
        ? undefined
        : (routes.withToken(found.hash) ??
          (found.podUid === undefined ? undefined : routes.withUid(found.podUid))),
  };
}

/** Reads on until the token is there, or is not going to be within `ms`. `undefined`: the connection has ended. */
export async function readToken(socket: Socket, ms: number): Promise<Known | undefined> {
  const reader = createHeadReader();
  const found = await peek<Head>(socket, {
    take: (bytes) => {
      const head = reader.push(bytes);
      return head.kind === "more" ? undefined : head;
    },
    late: () => ({ kind: "none" }),
    ms,
  });
  return found && knownBy(found, reader.bytes, found.kind === "http2");
}

/**
 * The same for HTTP/2, whose clients want to hear of a server first. `news` end it as well: the connection need not
 * say any more then.
 */
export async function readHttp2Token(
  socket: Socket,
  head: Buffer,
  news: Promise<unknown>,
  ms: number,
): Promise<Known | undefined> {
  const frames = createHttp2Frames();
  let isGreeted = false;
  let isFound = false;
  const also = news.then(() => (isFound = true));
  const take = (bytes: Uint8Array): Http2Frames | undefined => {
    frames.push(bytes);
    if (!isGreeted && frames.isGreeting) {
      isGreeted = true;
      socket.write(settingsFrame);
    }
    return frames.isComplete || (isFound && frames.hasAck) ? frames : undefined;
  };
  let read = take(head);
  if (!read) {
    startReading(socket);
    read = await peek(socket, { take, also, late: () => frames, ms });
  }
  // Its acknowledgement would still come, which its server has not asked for.
  if (!read || (isGreeted && !frames.hasAck)) return undefined;
  const found: Head = isFound ? { kind: "none" } : await readHttp2Head(frames.bytes);
  return knownBy(found, frames.bytes, true);
}
