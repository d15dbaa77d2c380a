import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { App } from "#core/kernel/app.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { boundGrpcBlocks } from "#test/support/runtime-services.ts";
import type { GrpcRequestOrigin } from "#core/wire/grpc/input.ts";
import { type Rpc, rpcs } from "#core/wire/grpc/rpcs.ts";
import { createGrpc, type GrpcBlock, type GrpcSurface } from "#core/wire/grpc/surface.ts";
import { compose } from "#core/kernel/operation.ts";

/** A gRPC surface in memory: what a client sends and sees, without a transport. */
export interface GrpcClient {
  /** The response as a protobuf message; rejects with `ApiError`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the message's type depends on the rpc's name
  unary(rpc: Rpc, request?: object): Promise<any>;
  /** Messages as they come. Ending the iteration cancels the call. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  stream(rpc: Rpc, request: object | AsyncIterable<object>): AsyncGenerator<any>;
  /** Response metadata of the last call. */
  readonly headers: Map<string, string>;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export function grpcClient(
  app: App,
  metadata: Readonly<Record<string, string>> = {},
  blocks: readonly GrpcBlock[] = boundGrpcBlocks,
  surface: GrpcSurface = createGrpc(compose([]), blocks, quiet),
): GrpcClient {
  const headers = new Map<string, string>();
  const callerFor = (signal: AbortSignal): GrpcRequestOrigin => ({
    app,
    signal,
    header: (name) => metadata[name],
    headers: () => Object.entries(metadata).flat(),
    setHeader: (name, value) => void headers.set(name, value),
  });
  const find = (rpc: Rpc) => {
    const descriptor = rpcs.get(rpc);
    const method = descriptor && surface.methods.get(descriptor.path);
    if (!descriptor || !method) throw new Error(`No block has the rpc ${rpc}`);
    const encode = (request: object): Uint8Array =>
      toBinary(
        descriptor.input,
        create(descriptor.input, request as MessageInitShape<typeof descriptor.input>),
      );
    return { method, encode, decode: (bytes: Uint8Array) => fromBinary(descriptor.output, bytes) };
  };
  return {
    headers,
    unary: async (rpc, request = {}) => {
      const { method, encode, decode } = find(rpc);
      if (method.kind !== "unary") throw new Error(`${rpc} is not an unary rpc`);
      headers.clear();
      return decode(await method.call(encode(request), callerFor(new AbortController().signal)));
    },
    stream: async function* (rpc, request) {
      const { method, encode, decode } = find(rpc);
      const cancel = new AbortController();
      headers.clear();
      try {
        if (method.kind === "unary") throw new Error(`${rpc} is not a streaming rpc`);
        const out =
          method.kind === "server_streaming"
            ? method.stream(encode(request), callerFor(cancel.signal))
            : method.stream(
                encodeAll(request as AsyncIterable<object>, encode),
                callerFor(cancel.signal),
              );
        for await (const bytes of out) yield decode(bytes);
      } finally {
        cancel.abort(new Error("The caller has ended the stream"));
      }
    },
  };
}

async function* encodeAll(
  requests: AsyncIterable<object>,
  encode: (request: object) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  for await (const request of requests) yield encode(request);
}

/** The error that a call ends with; fails when there is none. */
export async function grpcError(call: Promise<unknown>): Promise<ApiError> {
  try {
    await call;
  } catch (reason) {
    if (ApiError.is(reason)) return reason;
    throw reason;
  }
  throw new Error("The call did not fail");
}
