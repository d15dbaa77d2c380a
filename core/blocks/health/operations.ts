import { type Fail, failWith } from "#core/errors/api-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { describePlainly } from "#core/kernel/facts/describe.ts";

export const healthErrors = {
  ERR_HEALTH_NOT_READY: { http: 500, grpc: 13 },
  ERR_OUTBOUND_HEALTH_NOT_READY: { http: 500, grpc: 13 },
  ERR_HEALTH_APPID_NOT_MATCH: { http: 500, grpc: 13 },
} as const;
const healthError: Fail<typeof healthErrors> = failWith(healthErrors);

/** Whoever probes has no token and no trace, and no API list closes the door to it. */
const probe = {
  api: undefined,
  describe: undefined,
  metric: undefined,
  exempt: { token: true, budget: true, publicPort: true },
} as const;

/** Ready when every part of the app's runtime is, the app's own port included. */
export const getHealth: Operation<{ readonly appId: string | undefined }, void> = defineOperation(
  "health.get",
  { ...probe, endpoint: "Healthz" },
  async ({ app }, { appId }) => {
    const missing = [...app.health.waitingFor];
    if (missing.length > 0)
      throw healthError("ERR_HEALTH_NOT_READY", `dapr is not ready: [${missing.join(" ")}]`);
    if (appId !== undefined && appId !== "" && appId !== app.appId)
      throw healthError("ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match");
  },
);

/** Ready as soon as the app may call out; does not wait for the app's port. */
export const getOutboundHealth: Operation<undefined, void> = defineOperation(
  "health.outbound",
  { ...probe, endpoint: "HealthzOutbound" },
  async ({ app }) => {
    if (!app.health.outbound)
      throw healthError("ERR_OUTBOUND_HEALTH_NOT_READY", "dapr outbound is not ready");
  },
);

/** Header and metadata of a shutdown that waits for nothing. */
const forceHeader = "dapr-force-shutdown";
export function readShutdown(input: { header(name: string): string | undefined }): {
  readonly force: boolean;
} {
  return { force: input.header(forceHeader)?.toLowerCase() === "true" };
}
export const shutdown: Operation<{ readonly force: boolean }, void> = defineOperation(
  "shutdown.call",
  {
    api: "shutdown",
    endpoint: "Shutdown",
    describe: describePlainly,
    metric: undefined,
    exempt: { budget: true },
  },
  async ({ app }, { force }) => app.shutdown(force),
);
