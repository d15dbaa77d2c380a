import type { Call } from "#core/kernel/call.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { PermanentError } from "#core/resiliency/failure.ts";
import { collect } from "#core/util/bounded-read.ts";
import { invokeFailed } from "./errors.ts";
import type { Invoke } from "./operations.ts";

/** An answer that policies take for a failure. If no better one comes, the caller gets it as it is. */
class FailedAnswer extends Error {
  readonly status: number;
  readonly response: PlainResponse;
  constructor(response: PlainResponse) {
    super(`the app answered ${response.rpcStatus?.code ?? response.status}`);
    this.response = response;
    this.status = response.rpcStatus?.code ?? response.status;
  }
}

/** Makes the call under the policies of its target. A body that streams cannot be sent again, so such a call is made once. */
export async function withResiliency(
  call: Call,
  { id, method, body }: Invoke,
  attempt: (options: CallOptions) => Promise<PlainResponse>,
): Promise<PlainResponse> {
  const guard = call.app.policies.resiliency?.app(id, method);
  if (!guard) return await attempt(call);
  const isRepeatable = !(body instanceof ReadableStream);
  const failed = (reason: unknown): unknown => (isRepeatable ? reason : new PermanentError(reason));
  try {
    return await guard(async (options) => {
      let response: PlainResponse;
      try {
        response = await attempt(options);
      } catch (reason) {
        throw isRefusal(reason) ? new PermanentError(reason) : failed(reason);
      }
      if (isSuccess(response)) return response;
      // Read now: its connection must not wait for the tries that follow.
      throw failed(new FailedAnswer(isRepeatable ? await read(response, call) : response));
    }, call);
  } catch (caught) {
    const reason = caught instanceof PermanentError ? caught.cause : caught;
    if (reason instanceof FailedAnswer) return reason.response;
    throw ApiError.is(reason) ? reason : invokeFailed(id, messageOf(reason), reason);
  }
}

/** Whoever may not call will not be allowed to the next time either. */
function isRefusal(reason: unknown): boolean {
  return ApiError.is(reason) && reason.spec.http === 403;
}

function isSuccess({ status, rpcStatus }: PlainResponse): boolean {
  return rpcStatus ? rpcStatus.code === 0 : status >= 200 && status <= 399;
}

async function read(response: PlainResponse, { app }: Call): Promise<PlainResponse> {
  return response.body instanceof ReadableStream
    ? { ...response, body: await collect(response.body, app.limits.maxBodyBytes) }
    : response;
}
