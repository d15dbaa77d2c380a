import type { ClientHttp2Session, ServerHttp2Stream } from "node:http2";

/** gRPC's framing for one message each way; what an authority and its clients speak is no more than that. */
export const path = "/dapr.proto.sentry.v1.CA/SignCertificate";
const mostBytes = 1024 * 1024;

export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** The one message of a stream; rejects for more than 1 MiB, for compressed ones and for none. */
export async function readMessage(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    if ((size += chunk.length) > mostBytes) throw new Error("the message is too large");
  }
  const all = Buffer.concat(chunks);
  if (all.length < 5 || all[0] !== 0 || all.readUInt32BE(1) !== all.length - 5)
    throw new Error("the message is not whole");
  return all.subarray(5);
}

export function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(framed(message));
}
export function refuse(stream: ServerHttp2Stream, code: number, message: string): void {
  if (stream.destroyed || stream.headersSent) return stream.close();
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": String(code),
      "grpc-message": encodeURIComponent(message),
    },
    { endStream: true },
  );
}

/** Makes one call; rejects with the status that came. */
export async function callUnary(
  session: ClientHttp2Session,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stream = session.request(
    { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
    { signal },
  );
  let status = "";
  let why = "";
  const note = (headers: Readonly<Record<string, unknown>>): void => {
    const code = headers["grpc-status"];
    if (typeof code === "string" || typeof code === "number") status = `${code}`;
    if (typeof headers["grpc-message"] === "string")
      why = decodeURIComponent(headers["grpc-message"]);
  };
  stream.on("response", note);
  stream.on("trailers", note);
  stream.end(framed(message));
  const read = await readMessage(stream).catch((reason: unknown) => reason as Error);
  if (status !== "" && status !== "0") throw new Error(`status ${status}: ${why}`);
  if (read instanceof Error) throw read;
  return read;
}
