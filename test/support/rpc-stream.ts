import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { type Rpc, rpcs } from "#core/wire/grpc/rpcs.ts";

/** A call of gRPC over a connection that is there, whatever its kind. */
export interface RpcStream {
  readonly stream: ClientHttp2Stream;
  /** What has come so far. */
  readonly messages: Buffer[];
  /** Resolves with the status when it has ended; -1: it was cut. */
  readonly status: Promise<number>;
  send(message: Uint8Array): void;
  end(): void;
}

export function rpcStream(
  session: ClientHttp2Session,
  path: string,
  metadata: Readonly<Record<string, string | string[]>>,
): RpcStream {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...metadata,
  });
  const messages: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let status = -1;
  const note = (headers: IncomingHttpHeaders): void => {
    if (headers["grpc-status"] !== undefined) status = Number(headers["grpc-status"]);
  };
  stream.on("response", note).on("trailers", note);
  stream.on("error", () => {});
  stream.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      messages.push(rest.subarray(5, end));
      rest = rest.subarray(end);
    }
  });
  return {
    stream,
    messages,
    status: new Promise((resolve) => stream.once("close", () => resolve(status))),
    send: (message) => {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.byteLength, 1);
      stream.write(Buffer.concat([head, message]));
    },
    end: () => void stream.end(),
  };
}

/** A request of one of Dapr's rpcs. */
export function requestOf(rpc: Rpc, fields: object): Uint8Array {
  const { input } = described(rpc);
  return toBinary(input, create(input, fields as MessageInitShape<typeof input>));
}
// oxlint-disable-next-line typescript/no-explicit-any -- the message's type depends on the rpc's name
export function answerOf(rpc: Rpc, bytes: Uint8Array): any {
  return fromBinary(described(rpc).output, bytes);
}
export function pathOfRpc(rpc: Rpc): string {
  return described(rpc).path;
}
function described(rpc: Rpc) {
  const found = rpcs.get(rpc);
  if (!found) throw new Error(`No such rpc: ${rpc}`);
  return found;
}
