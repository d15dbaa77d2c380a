import type { IncomingHttpHeaders } from "node:http2";
import { Duplex } from "node:stream";
import { createKeptBytes } from "./kept-bytes.ts";
import { type Head, mostHeadBytes, tokenHead, tokenHeader } from "./http-head.ts";

/**
 * An empty SETTINGS frame. Clients of gRPC make no call before they have one of their server; whoever serves the
 * connection may send another. https://www.rfc-editor.org/rfc/rfc9113#section-6.5
 */
export const settingsFrame: Buffer = Buffer.from("000000040000000000", "hex");

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const frameHead = 9;
const types = { headers: 1, settings: 4, continuation: 9 };
const flags = { ack: 1, endHeaders: 4 };
/** What a client may send of its own accord: its headers, and bodies as far as the first window goes. */
const mostBytes = mostHeadBytes + 65_536;
const decodeMs = 1000;

/** The first frames of a client that has been sent `settingsFrame`. */
export interface Http2Frames {
  push(bytes: Uint8Array): void;
  /** Its preface is there whole. */
  readonly isGreeting: boolean;
  /** It has acknowledged our frame. */
  readonly hasAck: boolean;
  /** It has acknowledged it, and its first request's headers are there; or there will be no more to see. */
  readonly isComplete: boolean;
  /** All that it has sent but that acknowledgement, which its server would take for one of its own. */
  readonly bytes: Buffer;
}

export function createHttp2Frames(): Http2Frames {
  const kept = createKeptBytes();
  let at = preface.length;
  let hasAck = false;
  let hasHeaders = false;
  let isOther = false;
  function read(): void {
    const { bytes } = kept;
    const start = bytes.toString("latin1", 0, Math.min(bytes.length, preface.length));
    isOther ||= !preface.startsWith(start);
    while (!isOther && at + frameHead <= kept.bytes.length) {
      const all = kept.bytes;
      const end = at + frameHead + all.readUIntBE(at, 3);
      const flag = all[at + 4] as number;
      const type = all[at + 3];
      if (!hasAck && type === types.settings && (flag & flags.ack) !== 0) {
        hasAck = true;
        isOther = end !== at + frameHead;
        kept.cut(at, end);
        continue;
      }
      if (end > all.length) return;
      const isBlock = type === types.headers || type === types.continuation;
      hasHeaders ||= isBlock && (flag & flags.endHeaders) !== 0;
      at = end;
    }
  }
  return {
    push: (bytes) => {
      kept.push(bytes);
      read();
    },
    get isGreeting() {
      return !isOther && kept.bytes.length >= preface.length;
    },
    get hasAck() {
      return hasAck;
    },
    get isComplete() {
      return isOther || (hasAck && hasHeaders) || kept.bytes.length >= mostBytes;
    },
    get bytes() {
      return kept.bytes;
    },
  };
}

/** Whose token the first request of these bytes shows. Node's own HTTP/2 reads them; its answers go nowhere. */
export async function readHttp2Head(bytes: Buffer): Promise<Head> {
  const { performServerHandshake } = await import("node:http2");
  const nowhere = new Duplex({ read: () => {}, write: (_bytes, _encoding, done) => done() });
  const session = performServerHandshake(nowhere, {
    settings: { maxHeaderListSize: mostHeadBytes },
    maxSessionMemory: 1,
  });
  const found = Promise.withResolvers<Head>();
  const none = (): void => found.resolve({ kind: "none" });
  const late = setTimeout(none, decodeMs).unref();
  session.on("error", none).on("close", none);
  session.on("stream", (stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {});
    const token = headers[tokenHeader];
    if (typeof token === "string") found.resolve(tokenHead(token));
    else none();
  });
  nowhere.push(bytes);
  try {
    return await found.promise;
  } finally {
    clearTimeout(late);
    session.destroy();
  }
}
