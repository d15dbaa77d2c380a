import type { Workload } from "#core/identity/workload.ts";
import type { AppRef } from "#core/ports/platform.ts";

/** An app that this runtime hosts, as others know it: nobody else can have made the call. */
export function workloadOf(app: AppRef & { readonly trustDomain: string }): Workload {
  const { trustDomain, namespace, appId } = app;
  return { trustDomain, namespace: namespace || "default", appId };
}

/** The app that was called, in another process, lets this one not in. */
export class AccessDeniedError extends Error {
  override readonly name = "AccessDeniedError";
}
