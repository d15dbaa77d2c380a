import { calleeAppId } from "#core/util/identity-headers.ts";
import type { App } from "#core/kernel/app.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { calleeOf } from "#core/blocks/invoke/route.ts";
import { BreakerOpenError, PermanentError, TimeoutError } from "#core/resiliency/failure.ts";
import type { Guard } from "#core/resiliency/guard.ts";
import { CallFault } from "./call-fault.ts";
import type { StreamOrigin } from "./caller.ts";
import { code } from "./status.ts";

export interface Policy {
  readonly guard: Guard;
  readonly repeats: boolean;
}

/** What counts for a call to another app; `undefined` in most cases. Dapr: for a call to oneself none does. */
export function policyFor(app: App, caller: StreamOrigin, path: string): Policy | undefined {
  const { resiliency } = app.policies;
  const id = resiliency && calleeIdOf(caller);
  if (!resiliency || id === undefined) return undefined;
  const { appId, namespace } = calleeOf(id, app);
  if (appId === app.appId && namespace === app.namespace) return undefined;
  const guard = resiliency.app(id, path);
  return guard && { guard, repeats: resiliency.repeatsApp(id) };
}

/** Who is to be called, as the caller names it. */
export function calleeIdOf(caller: StreamOrigin): string | undefined {
  return caller.header(calleeAppId) ?? caller.header("dapr-app-id");
}

/** Whoever may not call, or not like that, will not be allowed to the next time either. */
const final: ReadonlySet<number> = new Set([400, 403]);
export async function settled<T>(route: () => T | Promise<T>): Promise<T> {
  try {
    return await route();
  } catch (reason) {
    throw ApiError.is(reason) && final.has(reason.spec.http) ? new PermanentError(reason) : reason;
  }
}

/** What the caller is told: the codes that Go's server gives to errors of its context, and to all that have none. */
export function failureOf(caught: unknown): unknown {
  const reason = caught instanceof PermanentError ? caught.cause : caught;
  if (reason instanceof TimeoutError) return grpcFault(504, code.deadlineExceeded, reason);
  if (reason instanceof BreakerOpenError) return grpcFault(503, code.unknown, reason);
  return reason instanceof CallFault ? grpcFault(500, reason.status, reason) : reason;
}
function grpcFault(http: number, grpc: number, { message }: Error): ApiError {
  return new ApiError("ERR_DIRECT_INVOKE", { http, grpc }, message);
}
