import type { ApiError } from "#core/errors/api-error.ts";
import { admit, type Admission, type Leave } from "#core/gate/admit.ts";
import { enterCalls, leave } from "#core/kernel/calls.ts";
import type { Operation, Run } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { reportedError } from "#core/wire/reported-error.ts";
import { checkBaggage } from "./baggage.ts";
import type { Bound } from "./bind-rpc.ts";
import { decode } from "./decode.ts";
import { endWithCode, endWithError } from "./grpc-span.ts";
import { type GrpcRequestOrigin, type GrpcInput, inputOf } from "./input.ts";
import { refusalOverGrpc } from "./refusals.ts";

type Any = Operation<never, unknown>;

/** How calls are answered: the gate, reading, the operation, writing; nothing but `ApiError` is thrown. */
export interface Calls {
  unary<In, Out>(
    bound: Bound,
    operation: Operation<In, Out>,
    read: (request: never, input: GrpcInput) => In | Promise<In>,
    write: (out: Out, input: GrpcInput) => never,
  ): (bytes: Uint8Array, caller: GrpcRequestOrigin) => Promise<Uint8Array>;
  /** A call whose answer is a stream; `open` says what it is, and how to read what it asks for. */
  streamed<In, Out>(
    bound: Bound,
    operation: Operation<In, AsyncIterable<Out>>,
    caller: GrpcRequestOrigin,
    write: (out: Out, input: GrpcInput) => never,
    bytes: number,
    open: () => readonly [GrpcInput, () => In | Promise<In>],
  ): AsyncGenerator<Uint8Array>;
}

export function createCalls(run: Run, log: Log): Calls {
  const failure = (operation: Any, reason: unknown, input: GrpcInput | undefined): ApiError => {
    const error = reportedError(operation.name, reason, log);
    if (input && error.metadata) input.setMetadata(error.metadata);
    if (input?.trace?.span) endWithError(input.trace.span, error);
    return error;
  };
  return {
    unary:
      ({ path, api, exempt, input: schema, encode }, operation, read, write) =>
      async (bytes, caller) => {
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
    streamed: async function* ({ api, exempt, encode }, operation, caller, write, bytes, open) {
      let input: GrpcInput | undefined;
      let leaveBudget: Leave | undefined;
      let held = caller.app.calls;
      const letGo = (): void => {
        if (held) leave(held);
        held = undefined;
      };
      if (held) enterCalls(held);
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
    },
  };
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
