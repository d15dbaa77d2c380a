import { toApiError } from "#core/errors/api-error.ts";
import { noteError } from "#core/telemetry/error-codes.ts";
import { serverNotes } from "#core/telemetry/grpc-calls.ts";
import type { GrpcRequestOrigin } from "./input.ts";
import type { GrpcMethod } from "./surface.ts";

/** The same rpcs, measured and logged for apps that want that; others pass by. */
export function observed(methods: ReadonlyMap<string, GrpcMethod>): Map<string, GrpcMethod> {
  return new Map([...methods].map(([path, method]) => [path, observedMethod(path, method)]));
}

function observedMethod(path: string, method: GrpcMethod): GrpcMethod {
  switch (method.kind) {
    case "unary":
      return {
        kind: "unary",
        call: (bytes, caller) =>
          isObserved(caller)
            ? observedCall(path, bytes, caller, method.call)
            : method.call(bytes, caller),
      };
    case "server_streaming":
      return {
        kind: "server_streaming",
        stream: (bytes, caller) =>
          isObserved(caller)
            ? observedStream(path, caller, () => method.stream(bytes, caller))
            : method.stream(bytes, caller),
      };
    case "bidi_streaming":
      return {
        kind: "bidi_streaming",
        stream: (requests, caller) =>
          isObserved(caller)
            ? observedStream(path, caller, () => method.stream(requests, caller))
            : method.stream(requests, caller),
      };
  }
}

function isObserved({ app }: GrpcRequestOrigin): boolean {
  return app.telemetry.metrics !== undefined || app.policies.apiLog !== undefined;
}

async function observedCall(
  path: string,
  request: Uint8Array,
  caller: GrpcRequestOrigin,
  call: (bytes: Uint8Array, caller: GrpcRequestOrigin) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const { clock, telemetry } = caller.app;
  const { metrics } = telemetry;
  const began = clock.monotonic();
  metrics?.cost.api.begin(request.byteLength);
  let code = 0;
  let answer = 0;
  try {
    const bytes = await call(request, caller);
    answer = bytes.byteLength;
    return bytes;
  } catch (reason) {
    code = codeOf(caller, reason);
    throw reason;
  } finally {
    const ms = clock.monotonic() - began;
    const sizes = { request: request.byteLength, answer };
    if (metrics) serverNotes(metrics)(path, code, ms, sizes);
    metrics?.cost.api.end(answer);
    caller.app.policies.apiLog?.grpc(path, code, ms, caller.header("user-agent"));
  }
}

const cancelled = 1;
async function* observedStream(
  path: string,
  caller: GrpcRequestOrigin,
  open: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { clock, telemetry } = caller.app;
  const { metrics } = telemetry;
  const began = clock.monotonic();
  metrics?.cost.api.begin(0);
  // Whoever stops reading before the end has gone away.
  let code = cancelled;
  let bytes = 0;
  try {
    for await (const message of open()) {
      bytes += message.byteLength;
      yield message;
    }
    code = 0;
  } catch (reason) {
    code = codeOf(caller, reason);
    throw reason;
  } finally {
    const ms = clock.monotonic() - began;
    if (metrics) serverNotes(metrics)(path, code, ms);
    metrics?.cost.api.end(bytes);
    caller.app.policies.apiLog?.grpc(path, code, ms, caller.header("user-agent"));
  }
}

function codeOf({ app }: GrpcRequestOrigin, reason: unknown): number {
  const error = toApiError(reason);
  noteError(app.telemetry, error);
  return error.spec.grpc;
}
