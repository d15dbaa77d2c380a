import {
  create,
  fromBinary,
  fromJson,
  type JsonObject,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type Rpc, rpcs } from "#core/wire/grpc/rpcs.ts";
import { StatusSchema } from "#core/wire/grpc/gen/google/rpc/status_pb.js";

/** How a call over the wire ended. */
export interface Ended {
  readonly code: number;
  readonly message: string;
  /** `google.rpc` details: type and bytes. */
  readonly details: ReadonlyArray<{ readonly type: string; readonly value: Uint8Array }>;
  /** The serialised google.rpc.Status. */
  readonly status: Uint8Array;
  // oxlint-disable-next-line typescript/no-explicit-any -- the message's type depends on the rpc's name
  readonly response: any;
  /** Response metadata and trailers. */
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

/** A grpc-js client of Dapr's service, messages by rpc name. */
export interface WireClient extends Disposable {
  readonly client: Client;
  unary(rpc: Rpc, request: object, options?: CallOptions): Promise<Ended>;
  /** As `unary`, the request in protobuf's JSON. */
  unaryJson(rpc: Rpc, request: JsonObject, options?: CallOptions): Promise<Ended>;
}
export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

const identity = (bytes: Uint8Array): Buffer => Buffer.from(bytes);

export function wireClient(port: number, host = "127.0.0.1"): WireClient {
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  const descriptor = (rpc: Rpc) => {
    const found = rpcs.get(rpc);
    if (!found) throw new Error(`No such rpc: ${rpc}`);
    return found;
  };
  const call = (rpc: Rpc, request: Uint8Array, options: CallOptions): Promise<Ended> =>
    new Promise((resolve) => {
      const { path, output } = descriptor(rpc);
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
      let headers = new Metadata();
      let answer: Buffer | undefined;
      let failure: ServiceError | null = null;
      const sent = client.makeUnaryRequest(
        path,
        identity,
        (bytes: Buffer) => bytes,
        request,
        metadata,
        options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs },
        (error, value) => {
          failure = error;
          answer = value;
        },
      );
      sent.on("metadata", (received: Metadata) => (headers = received));
      sent.on("status", ({ code, details, metadata: trailers }) => {
        const status = statusIn(trailers);
        setImmediate(() =>
          resolve({
            code,
            message: failure ? details : "",
            status,
            details: detailsIn(status),
            response: answer ? fromBinary(output, answer) : undefined,
            headers,
            trailers,
          }),
        );
      });
    });
  return {
    client,
    unary: (rpc, request, options = {}) => {
      const { input } = descriptor(rpc);
      const message = create(input, request as MessageInitShape<typeof input>);
      return call(rpc, toBinary(input, message), options);
    },
    unaryJson: (rpc, request, options = {}) => {
      const { input } = descriptor(rpc);
      return call(rpc, toBinary(input, fromJson(input, request)), options);
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** The serialised google.rpc.Status of a call that has ended; empty where it has none. */
export function statusIn(trailers: Metadata): Uint8Array {
  const [bin] = trailers.get("grpc-status-details-bin");
  return bin instanceof Uint8Array ? bin : new Uint8Array();
}
export function detailsIn(status: Uint8Array): Ended["details"] {
  return fromBinary(StatusSchema, status).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
}
