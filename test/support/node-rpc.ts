import { connect, createServer, type IncomingHttpHeaders } from "node:http2";
import { connect as connectPlain } from "node:net";

/** How a unary rpc ended: the message, and the status as the trailers say. */
export interface RpcAnswer {
  readonly status: number;
  readonly why: string;
  readonly message: Buffer;
}

/** A unary call of gRPC from an address of this machine, message as bytes, over a connection of its own. */
export function rpcFrom(
  address: string,
  to: { readonly host: string; readonly port: number },
  path: string,
  message: Uint8Array,
  metadata: Readonly<Record<string, string>>,
): Promise<RpcAnswer> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${to.host}:${to.port}`, {
      createConnection: () => connectPlain({ ...to, localAddress: address }),
    });
    session.once("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...metadata,
    });
    const chunks: Buffer[] = [];
    let status = -1;
    let why = "";
    const note = (headers: IncomingHttpHeaders): void => {
      const [code, text] = [headers["grpc-status"], headers["grpc-message"]];
      if (code !== undefined) status = Number(code);
      if (typeof text === "string") why = decodeURIComponent(text);
    };
    stream.on("response", note).on("trailers", note);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("error", reject);
    stream.once("close", () => {
      session.destroy();
      resolve({ status, why, message: Buffer.concat(chunks).subarray(5) });
    });
    stream.end(framed(message));
  });
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** An app that speaks gRPC in its pod: answers every unary call with what `answer` makes of it. */
export async function rpcApp(
  ip: string,
  answer: (path: string, message: Buffer, headers: IncomingHttpHeaders) => string,
): Promise<{ readonly port: number; readonly calls: string[] } & AsyncDisposable> {
  const calls: string[] = [];
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => {
      const path = headers[":path"] ?? "";
      calls.push(path);
      const text = answer(path, Buffer.concat(chunks).subarray(5), headers);
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(framed(Buffer.from(text)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  return {
    calls,
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
