import type { AuthorityStore } from "#targets/ca/authority.ts";
import { newAuthority } from "#targets/ca/authority.ts";
import { serveCa } from "#targets/ca/serve-ca.ts";
import type { Validator } from "#targets/ca/validators.ts";
import type { NodeRuntimeOptions } from "#targets/kubernetes/supervisor/options.ts";
import type { WorkloadContext } from "#targets/node/mtls/workload-identity.ts";
import { keptLog, type KeptLog } from "./kept-log.ts";
import { certificateFor } from "./workload-identities.ts";

/** A real authority in this process, with its credentials in memory; whom it believes is the test's to say. */
export interface TestCa extends AsyncDisposable {
  /** For `startNodeRuntime`: how its apps get their certificates. */
  readonly forNodes: Pick<NodeRuntimeOptions, "mtls" | "env">;
  /** What it trusts; PEM. */
  readonly anchors: string;
  /** As an app gets it. */
  certificate(appId: string, namespace: string): Promise<WorkloadContext>;
  readonly log: KeptLog;
}

export async function testCa(options: {
  readonly validator: Validator;
  readonly workloadTtlMs?: number;
}): Promise<TestCa> {
  const trustDomain = "cluster.local";
  const namespace = "outrigger-system";
  const authority = await newAuthority(trustDomain);
  const store: AuthorityStore = {
    anchorsAt: "memory",
    open: async () => authority,
    rotate: async () => {
      throw new Error("not in a test");
    },
  };
  const log = keptLog();
  const server = await serveCa({
    port: 0,
    address: "127.0.0.1",
    store,
    trustDomain,
    namespace,
    workloadTtlMs: options.workloadTtlMs ?? 3_600_000,
    clockSkewMs: 60_000,
    validator: options.validator,
    log,
  });
  return {
    forNodes: {
      mtls: {
        sentryAddress: `127.0.0.1:${server.port}`,
        trustDomain,
        controlPlaneNamespace: namespace,
      },
      env: { ...process.env, DAPR_TRUST_ANCHORS: authority.anchors },
    },
    anchors: authority.anchors,
    certificate: (appId, namespace) =>
      certificateFor(
        { trustDomain: "public", namespace, appId },
        authority.issuer,
        authority.anchors,
      ),
    log,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
