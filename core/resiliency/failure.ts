import { ComponentError, type FailureKind } from "#core/errors/component-error.ts";

/** The breaker did not let the call through. */
export class BreakerOpenError extends Error {
  override readonly name = "BreakerOpenError";
}
/** Time was over. The text is Go's, which callers of Dapr look for. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  constructor() {
    super("context deadline exceeded");
  }
}
/** A failure that no policy tries again, whatever it says: `cause` has the reason. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  constructor(cause: unknown) {
    super("not tried again", { cause });
  }
}

/** What may say, by a status, whether it is worth another try: 100 to 599 is HTTP's, 0 to 16 gRPC's. */
export interface Coded {
  readonly status?: number | undefined;
}

const permanentKinds: ReadonlySet<FailureKind> = new Set([
  "etag-mismatch",
  "etag-invalid",
  "fenced",
]);

/** True for what another try cannot change. */
export function isPermanent(reason: unknown): boolean {
  if (reason instanceof BreakerOpenError || reason instanceof PermanentError) return true;
  return ComponentError.is(reason) && permanentKinds.has(reason.kind);
}

/** The status of a failure that has one. */
export function statusOf(reason: unknown): number | undefined {
  if (typeof reason !== "object" || reason === null || !("status" in reason)) return undefined;
  return typeof reason.status === "number" ? reason.status : undefined;
}
