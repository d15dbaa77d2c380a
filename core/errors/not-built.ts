import { type ApiError, type Fail, failWith } from "./api-error.ts";

/** The errors of a sidecar without a placement service. */
export const notBuiltErrors = {
  ERR_ACTOR_NO_PLACEMENT: { http: 400, grpc: 14 },
  ERR_API_UNIMPLEMENTED: { http: 501, grpc: 12 },
} as const;
const fail: Fail<typeof notBuiltErrors> = failWith(notBuiltErrors);

/** An app as far as a refusal goes. */
interface Refused {
  readonly appId: string;
  readonly namespace: string;
  readonly warnOnce: ((message: string) => void) | undefined;
}
/** Why a call is refused, for the app that makes it. */
export type Refuse = (app: Refused) => ApiError;

/**
 * Callers get errors as if these services were only not configured. The log explains that there is
 * nothing to configure.
 */
function warn(app: Refused): void {
  app.warnOnce?.(
    `Outrigger does not support workflows yet: it responds like a Dapr sidecar without a placement service`,
  );
}

export function noPlacement(): Refuse {
  return (app) => {
    warn(app);
    return fail("ERR_ACTOR_NO_PLACEMENT", "placement service is not configured");
  };
}

/** The service that workflow SDKs talk to on the gRPC port; `undefined` for any other. */
export function noWorkflowService(app: Refused, path: string): ApiError | undefined {
  if (!path.startsWith("/TaskHubSidecarService/")) return undefined;
  warn(app);
  return fail("ERR_API_UNIMPLEMENTED", "Outrigger does not support workflows yet");
}
