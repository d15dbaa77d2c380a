import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Api, grpcApi } from "#core/access-control/api-lists.ts";
import { encoderFor } from "./encode.ts";
import { ApiError, toApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { admit, type Admission, type Leave } from "#core/gate/admit.ts";
import type { Exemptions, Operation, Run } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { enterCalls, leave } from "#core/kernel/calls.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";
import { checkBaggage } from "./baggage.ts";
import { describeRpc, endWithCode, endWithError } from "./grpc-span.ts";
import { GrpcInput, type GrpcCaller, metadataOf, traceOf } from "./input.ts";
import { observed } from "./observed.ts";
import { refusalOverGrpc } from "./refusals.ts";
import {
  type BidiRpc,
  type RequestOf,
  type ResponseInit,
  type Rpc,
  rpcs,
  type ServerStreamRpc,
  type UnaryRpc,
} from "./rpcs.ts";
import { traceBin } from "./trace-bin.ts";

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
      call(request: Uint8Array, caller: GrpcCaller): Promise<Uint8Array>;
    }
  | {
      readonly kind: "server_streaming";
      stream(request: Uint8Array, caller: GrpcCaller): AsyncIterable<Uint8Array>;
    }
  | {
      readonly kind: "bidi_streaming";
      stream(requests: AsyncIterable<Uint8Array>, caller: GrpcCaller): AsyncIterable<Uint8Array>;
    };

/** The gRPC API, free of transport. */
export interface GrpcSurface {
  /** By `:path`, for example `/dapr.proto.runtime.v1.Dapr/GetState`. */
  readonly methods: ReadonlyMap<string, GrpcMethod>;
}

/** What is known of an rpc before it is called. */
interface Bound {
  readonly api: Api;
  readonly exempt: Exemptions | undefined;
  encode(message: never): Uint8Array;
}

const overBudget: Exemptions = { budget: true };
const malformed = { http: 400, grpc: 13 } as const;

/** Assembles the gRPC surface from the blocks, once; all apps of a runtime share it. */
export function createGrpc(run: Run, blocks: readonly GrpcBlock[], logs: Log): GrpcSurface {
  const log = scopedLog(logs, "dapr.runtime.grpc");
  const methods = new Map<string, GrpcMethod>();

  function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
    try {
      return fromBinary(schema, bytes);
    } catch (reason) {
      throw new ApiError(
        "ERR_MALFORMED_REQUEST",
        malformed,
        `grpc: error unmarshalling request: ${messageOf(reason)}`,
        { cause: reason },
      );
    }
  }
  function inputOf(
    path: string,
    operation: Operation<never, unknown>,
    caller: GrpcCaller,
    request?: object,
  ): GrpcInput {
    const trace = traceOf(caller.app.policies, caller, path, "client");
    const input = new GrpcInput(caller, metadataOf(request ?? {}), trace);
    if (trace) {
      input.setHeader("grpc-trace-bin", traceBin(trace.traceparent));
      if (trace.span) describeRpc(trace.span, path, operation, input, request);
    }
    return input;
  }
  const failure = (
    operation: Operation<never, unknown>,
    reason: unknown,
    input: GrpcInput | undefined,
  ): ApiError => {
    const error = reported(operation, reason);
    if (input && error.metadata) input.setMetadata(error.metadata);
    if (input?.trace?.span) endWithError(input.trace.span, error);
    return error;
  };
  const reported = (operation: Operation<never, unknown>, reason: unknown): ApiError => {
    if (!ApiError.is(reason))
      log.error(`Cannot answer ${operation.name}: ${messageOf(reason)}`, {
        stack: reason instanceof Error ? reason.stack : undefined,
      });
    return toApiError(reason);
  };

  function bind<R extends Rpc>(
    rpc: R,
    kind: GrpcMethod["kind"],
    { api, exempt }: Pick<Operation<never, unknown>, "api" | "exempt">,
  ) {
    const descriptor = rpcs.get(rpc);
    if (descriptor?.kind !== kind) throw new TypeError(`${rpc} is no ${kind} rpc of Dapr`);
    if (methods.has(descriptor.path)) throw new TypeError(`Two blocks own the rpc ${rpc}`);
    return {
      ...descriptor,
      api: grpcApi(api, rpc),
      // Only probes need no token, and they come over HTTP.
      exempt: exempt?.budget ? overBudget : undefined,
      encode: encoderFor(descriptor.output) as (init: ResponseInit<R>) => Uint8Array,
    };
  }

  /** A call whose answer is a stream; `open` says what it is, and how to read what it asks for. */
  async function* streamed<In, Out>(
    { api, exempt, encode }: Pick<Bound, "api" | "exempt" | "encode">,
    operation: Operation<In, AsyncIterable<Out>>,
    caller: GrpcCaller,
    write: (out: Out, input: GrpcInput) => never,
    bytes: number,
    open: () => readonly [GrpcInput, () => In | Promise<In>],
  ): AsyncGenerator<Uint8Array> {
    let input: GrpcInput | undefined;
    let leaveBudget: Leave | undefined;
    const { calls } = caller.app;
    let holds = calls;
    const letGo = (): void => {
      if (holds) leave(holds);
      holds = undefined;
    };
    if (calls) enterCalls(calls);
    try {
      const admitted = admit(caller, { api, exempt, bytes, isStream: true });
      leaveBudget = admittedOverGrpc(admitted instanceof Promise ? await admitted : admitted);
      const [opened, read] = open();
      input = opened;
      takeBaggage(input);
      const out = await run(operation, input, await read());
      if (!operation.streamUsesComponent) letGo();
      for await (const message of out) yield encode(write(message, input));
    } catch (reason) {
      throw failure(operation, reason, input);
    } finally {
      leaveBudget?.();
      letGo();
      // Also where the client has left; an error has ended it already.
      if (input?.trace?.span) endWithCode(input.trace.span, 0, "");
    }
  }

  const routes: GrpcRoutes = {
    unary: (rpc, operation, read, write) => {
      const { path, api, exempt, input: schema, encode } = bind(rpc, "unary", operation);
      methods.set(path, {
        kind: "unary",
        call: async (bytes, caller) => {
          let input: GrpcInput | undefined;
          const { calls } = caller.app;
          let leaveBudget: Leave | undefined;
          if (calls) enterCalls(calls);
          try {
            const asking = { api, exempt, bytes: bytes.byteLength, isStream: false };
            const admitted = admit(caller, asking);
            leaveBudget = admittedOverGrpc(admitted instanceof Promise ? await admitted : admitted);
            const request = decode(schema, bytes) as never;
            input = inputOf(path, operation, caller, request);
            takeBaggage(input);
            const asked = read(request, input);
            // Most are read at once; a turn of the event loop for each would be felt.
            const out = await run(operation, input, asked instanceof Promise ? await asked : asked);
            const answer = encode(write(out, input));
            if (input.trace?.span) endWithCode(input.trace.span, 0, "");
            return answer;
          } catch (reason) {
            throw failure(operation, reason, input);
          } finally {
            leaveBudget?.();
            if (calls) leave(calls);
          }
        },
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

/** Throws the gate's refusal in gRPC's words. */
function admittedOverGrpc(admission: Admission): Leave {
  if (typeof admission === "function") return admission;
  throw refusalOverGrpc(admission);
}

/** Told back, as Dapr does. */
function takeBaggage(input: GrpcInput): void {
  const baggage = checkBaggage(input.app.policies, input);
  if (baggage !== undefined) input.setHeader("baggage", baggage);
}

async function* decodeAll<T>(
  requests: AsyncIterable<Uint8Array>,
  decode: (bytes: Uint8Array) => T,
): AsyncGenerator<T> {
  for await (const bytes of requests) yield decode(bytes);
}
