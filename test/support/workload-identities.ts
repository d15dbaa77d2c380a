import {
  createRequest,
  createRoot,
  type Credentials,
  issue,
  keyOfRequest,
} from "#targets/node/mtls/certificates.ts";
import type { WorkloadContext, WorkloadIdentity } from "#targets/node/mtls/workload-identity.ts";

/** Certificates of an authority of this test alone, without one that listens. */
export interface TestIdentities {
  readonly root: string;
  of(appId: string, namespace: string): Promise<TestIdentity>;
}
export interface TestIdentity extends WorkloadIdentity {
  /** Another certificate from now on. */
  renew(): Promise<void>;
}

export async function testIdentities(trustDomain = "public"): Promise<TestIdentities> {
  const { root, issuer } = await createRoot(trustDomain, Date.now());
  return {
    root,
    of: async (appId, namespace) => {
      const workload = { trustDomain, namespace, appId };
      const make = (): Promise<WorkloadContext> => certificateFor(workload, issuer, root);
      let context = await make();
      const listeners: Array<(context: WorkloadContext) => void> = [];
      return {
        workload,
        get context() {
          return context;
        },
        onRenewal: (run) => void listeners.push(run),
        renew: async () => {
          context = await make();
          for (const run of listeners) run(context);
        },
        [Symbol.dispose]: () => {},
      };
    },
  };
}

/** Signed by that issuer, for an hour. */
export async function certificateFor(
  workload: WorkloadIdentity["workload"],
  issuer: Credentials,
  ca: string,
): Promise<WorkloadContext> {
  const { csr, privateKey } = await createRequest();
  const cert = await issue(workload, await keyOfRequest(csr), issuer, {
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
  });
  return { cert, key: privateKey, ca };
}
