/**
 * The server name in the first bytes of a TLS connection. `more`: they are a beginning that may go on to hold one.
 * `none`: there is no name, or these are not the first bytes of TLS.
 */
export type ServerName = { readonly name: string } | "more" | "none";

/** A ClientHello is a few hundred bytes, with post-quantum keys 2,000. What has more is not read to its end. */
export const mostHelloBytes: number = 16 * 1024;

/**
 * Reads a whole ClientHello (RFC 8446 4.1.2, RFC 6066 3), which may come in several records. Strict: each length
 * must be used up exactly. Never throws, and looks at no more than `mostHelloBytes`.
 */
export function serverNameIn(bytes: Uint8Array): ServerName {
  const hello = handshakeOf(bytes);
  if (typeof hello === "string") return hello;
  const body = cursor(hello);
  body.skip(2 + 32); // version, random
  body.skip(body.number(1)); // session id
  body.skip(body.number(2)); // cipher suites
  body.skip(body.number(1)); // compression methods
  const extensions = cursor(body.take(body.number(2)));
  let name: string | undefined;
  const seen = new Set<number>();
  while (extensions.left() > 0) {
    const type = extensions.number(2);
    const content = extensions.take(extensions.number(2));
    // None may stand twice: two readers could take a different one of them.
    if (seen.has(type)) return "none";
    seen.add(type);
    if (type === serverNameExtension) name = nameIn(content);
    if (type === serverNameExtension && name === undefined) return "none";
  }
  const isWhole = extensions.isRight() && body.isRight() && body.left() === 0;
  return isWhole && name !== undefined ? { name } : "none";
}
const serverNameExtension = 0;

/** The body of the first handshake message, put together from its records. */
function handshakeOf(bytes: Uint8Array): Uint8Array | "more" | "none" {
  const message = Buffer.allocUnsafe(Math.min(bytes.length, mostHelloBytes));
  let got = 0;
  for (let at = 0; at < mostHelloBytes;) {
    // Type and version of a record as far as they are there, so that what is not TLS is told at once.
    const [type = handshake, major = 3, , high = 0, low = 0] = bytes.subarray(at, at + 5);
    if (type !== handshake || major !== 3) return "none";
    if (at + 5 > bytes.length) return unlessTooMuch(bytes);
    const length = high * 256 + low;
    if (length === 0 || length > mostRecordBytes) return "none";
    got += copyInto(message, got, bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
    if (got > 0 && message[0] !== clientHello) return "none";
    if (got >= 4) {
      const end = 4 + message.readUIntBE(1, 3);
      if (end > mostHelloBytes) return "none";
      if (got >= end) return message.subarray(4, end);
    }
    if (at > bytes.length) return unlessTooMuch(bytes);
  }
  return "none";
}
const handshake = 22;
const clientHello = 1;
const mostRecordBytes = 16 * 1024;

function copyInto(into: Buffer, at: number, part: Uint8Array): number {
  const fits = part.subarray(0, into.length - at);
  into.set(fits, at);
  return fits.length;
}

function unlessTooMuch({ length }: Uint8Array): "more" | "none" {
  return length < mostHelloBytes ? "more" : "none";
}

/** The one host name of the extension. */
function nameIn(content: Uint8Array): string | undefined {
  const list = cursor(content);
  const isRest = list.number(2) === list.left();
  const isHostName = list.number(1) === 0;
  const name = list.take(list.number(2));
  if (!isRest || !isHostName || !list.isRight() || list.left() > 0) return undefined;
  const text = Buffer.from(name).toString("latin1");
  return text.length <= 255 && /^[\w-]+(?:\.[\w-]+)*$/.test(text) ? text.toLowerCase() : undefined;
}

interface Cursor {
  /** Unsigned, big-endian; 0 past the end. */
  number(bytes: number): number;
  take(bytes: number): Uint8Array;
  skip(bytes: number): void;
  left(): number;
  /** False once something was read that is not there. */
  isRight(): boolean;
}
function cursor(bytes: Uint8Array): Cursor {
  let at = 0;
  let right = true;
  const take = (count: number): Uint8Array => {
    if (count > bytes.length - at) {
      right = false;
      at = bytes.length;
      return bytes.subarray(at);
    }
    return bytes.subarray(at, (at += count));
  };
  return {
    take,
    skip: (count) => void take(count),
    number: (count) => take(count).reduce((value, byte) => value * 256 + byte, 0),
    left: () => bytes.length - at,
    isRight: () => right,
  };
}
