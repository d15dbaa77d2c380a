import { type Fail, failWith } from "#core/errors/api-error.ts";

export const bindingErrors = {
  ERR_MALFORMED_REQUEST: { http: 400, grpc: 3 },
  ERR_INVOKE_OUTPUT_BINDING: { http: 500, grpc: 13, grpcInfo: true },
} as const;

export const bindingError: Fail<typeof bindingErrors> = failWith(bindingErrors);

export function malformed(why: string, cause?: unknown): Error {
  return bindingError("ERR_MALFORMED_REQUEST", `failed deserializing HTTP body: ${why}`, { cause });
}
