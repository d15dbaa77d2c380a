import type { Operation, Run } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";
import { type Bound, bindRpc } from "./bind-rpc.ts";
import { createCalls } from "./calls.ts";
import { decode, decodeAll } from "./decode.ts";
import { type GrpcRequestOrigin, type GrpcInput, inputOf } from "./input.ts";
import { observed } from "./observed.ts";
import type { BidiRpc, RequestOf, ResponseInit, Rpc, ServerStreamRpc, UnaryRpc } from "./rpcs.ts";

/** How a block spells its operations for gRPC: decode, one operation, encode; an rpc has no other step. */
export interface GrpcRoutes {
  unary<R extends UnaryRpc, In, Out>(
    rpc: R,
    operation: Operation<In, Out>,
    read: (request: RequestOf<R>, input: GrpcInput) => In | Promise<In>,
    write: (out: Out, input: GrpcInput) => ResponseInit<R>,
  ): void;
  /** What the operation gives goes out message by message. The end of the stream fires `input.signal`. */
  serverStream<R extends ServerStreamRpc, In, Out>(
    rpc: R,
    operation: Operation<In, AsyncIterable<Out>>,
    read: (request: RequestOf<R>, input: GrpcInput) => In | Promise<In>,
    write: (out: Out, input: GrpcInput) => ResponseInit<R>,
  ): void;
  bidi<R extends BidiRpc, In, Out>(
    rpc: R,
    operation: Operation<In, AsyncIterable<Out>>,
    read: (requests: AsyncIterable<RequestOf<R>>, input: GrpcInput) => In | Promise<In>,
    write: (out: Out, input: GrpcInput) => ResponseInit<R>,
  ): void;
}
export type GrpcBlock = (routes: GrpcRoutes) => void;

/** One rpc, ready for any transport: bytes in, bytes out. Throws nothing but `ApiError`. */
export type GrpcMethod =
  | {
      readonly kind: "unary";
      call(request: Uint8Array, caller: GrpcRequestOrigin): Promise<Uint8Array>;
    }
  | {
      readonly kind: "server_streaming";
      stream(request: Uint8Array, caller: GrpcRequestOrigin): AsyncIterable<Uint8Array>;
    }
  | {
      readonly kind: "bidi_streaming";
      stream(
        requests: AsyncIterable<Uint8Array>,
        caller: GrpcRequestOrigin,
      ): AsyncIterable<Uint8Array>;
    };

/** The gRPC API, free of transport. */
export interface GrpcSurface {
  /** By `:path`, for example `/dapr.proto.runtime.v1.Dapr/GetState`. */
  readonly methods: ReadonlyMap<string, GrpcMethod>;
}

/** Assembles the gRPC surface from the blocks, once; all apps of a runtime share it. */
export function createGrpc(run: Run, blocks: readonly GrpcBlock[], logs: Log): GrpcSurface {
  const methods = new Map<string, GrpcMethod>();

  const bind = <R extends Rpc>(
    rpc: R,
    kind: GrpcMethod["kind"],
    operation: Operation<never, unknown>,
  ): Bound<R> => {
    const bound = bindRpc(rpc, kind, operation);
    if (methods.has(bound.path)) throw new TypeError(`Two blocks own the rpc ${rpc}`);
    return bound;
  };
  const { unary, streamed } = createCalls(run, scopedLog(logs, "dapr.runtime.grpc"));
  const routes: GrpcRoutes = {
    unary: (rpc, operation, read, write) => {
      const bound = bind(rpc, "unary", operation);
      methods.set(bound.path, {
        kind: "unary",
        call: unary(bound, operation, read as never, write as never),
      });
    },
    serverStream: (rpc, operation, read, write) => {
      const bound = bind(rpc, "server_streaming", operation);
      const { path, input: schema } = bound;
      methods.set(path, {
        kind: "server_streaming",
        stream: (bytes, caller) =>
          streamed(bound, operation, caller, write as never, bytes.byteLength, () => {
            const request = decode(schema, bytes) as never;
            const input = inputOf(path, operation, caller, request);
            return [input, () => read(request, input)];
          }),
      });
    },
    bidi: (rpc, operation, read, write) => {
      const bound = bind(rpc, "bidi_streaming", operation);
      const { path, input: schema } = bound;
      methods.set(path, {
        kind: "bidi_streaming",
        stream: (requests, caller) =>
          streamed(bound, operation, caller, write as never, 0, () => {
            const input = inputOf(path, operation, caller);
            const decoded = decodeAll(requests, (bytes) => decode(schema, bytes));
            return [input, () => read(decoded as never, input)];
          }),
      });
    },
  };
  for (const block of blocks) block(routes);
  return { methods: observed(methods) };
}
