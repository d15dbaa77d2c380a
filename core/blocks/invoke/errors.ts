import type { App } from "#core/kernel/app.ts";
import { type Fail, failWith } from "#core/errors/api-error.ts";

export const invokeErrors = {
  ERR_DIRECT_INVOKE: { http: 500, grpc: 13 },
  NO_TARGET: { http: 404, grpc: 5, code: "ERR_DIRECT_INVOKE" },
  DENIED: { http: 403, grpc: 7, code: "ERR_DIRECT_INVOKE" },
} as const;

export const invokeError: Fail<typeof invokeErrors> = failWith(invokeErrors);

/** Over gRPC a caller may leave the verb out, which only an app that speaks gRPC can do without. */
export const missingVerb = "rpc error: code = InvalidArgument desc = missing HTTP extension field";
export function speaksGrpc({ connection }: Pick<App, "connection">): boolean {
  return connection?.protocol.startsWith("grpc") === true;
}

/** Every failure to reach the callee reads like this. */
export function invokeFailed(target: string, reason: string, cause?: unknown): Error {
  return invokeError("ERR_DIRECT_INVOKE", `failed to invoke, id: ${target}, err: ${reason}`, {
    cause,
  });
}
