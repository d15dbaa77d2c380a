import type { AppRef, Log } from "#core/ports/platform.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import { identityKey } from "#targets/node/app-server.ts";
import type { MtlsSettings } from "#targets/node/mtls/settings.ts";
import type { WorkloadIdentity } from "#targets/node/mtls/workload-identity.ts";
import { clock } from "#targets/node/clock.ts";
import type { PodRecord } from "../messages.ts";

/** Certificates of the apps that a group hosts: one for each app, however many replicas it has. */
export interface WorkloadCertificates {
  /** Asks for the app's certificate in the background, until there is one. */
  open(pod: PodRecord): CertificateUse;
  of(app: AppRef): WorkloadIdentity | undefined;
  /** By the TLS server name of its app. */
  named(serverName: string): WorkloadIdentity | undefined;
  /** Resolves once there is one; what calls another node waits for it. */
  ready(app: AppRef): Promise<WorkloadIdentity | undefined>;
}

/** A pod's part in its app's certificate; the last one that closes it ends that. */
export interface CertificateUse {
  close(): void;
}
interface Shared {
  readonly uses: Set<CertificateUse>;
  readonly opening: Promise<WorkloadIdentity | undefined>;
  identity: WorkloadIdentity | undefined;
  isClosed: boolean;
}

export function createWorkloadCertificates(
  settings: MtlsSettings,
  trustDomain: string,
  log: Log,
): WorkloadCertificates {
  const apps = new Map<string, Shared>();
  const byName = new Map<string, Shared>();
  const refOf = ({ namespace, settings: { appId } }: PodRecord): AppRef => ({ namespace, appId });

  async function ask(app: AppRef, isClosed: () => boolean): Promise<WorkloadIdentity | undefined> {
    const { openIdentity } = await import("#targets/node/mtls/workload-identity.ts");
    while (!isClosed()) {
      try {
        return await openIdentity({ ...app, trustDomain }, settings, log, () => undefined, clock);
      } catch (reason) {
        log.error(messageOf(reason), { app_id: app.appId, namespace: app.namespace });
      }
    }
    return undefined;
  }
  function start(app: AppRef): Shared {
    const shared: Shared = {
      uses: new Set(),
      identity: undefined,
      isClosed: false,
      opening: ask(app, () => shared.isClosed).then((identity) => {
        if (shared.isClosed) identity?.[Symbol.dispose]();
        else shared.identity = identity;
        return identity;
      }),
    };
    return shared;
  }
  return {
    open: (pod) => {
      const app = refOf(pod);
      const key = identityKey(app);
      const shared = apps.get(key) ?? start(app);
      apps.set(key, shared);
      byName.set(serverNameOf(app), shared);
      const use: CertificateUse = {
        close: () => {
          if (!shared.uses.delete(use) || shared.uses.size > 0) return;
          apps.delete(key);
          byName.delete(serverNameOf(app));
          shared.isClosed = true;
          shared.identity?.[Symbol.dispose]();
        },
      };
      shared.uses.add(use);
      return use;
    },
    named: (serverName) => byName.get(serverName)?.identity,
    of: (app) => apps.get(identityKey(app))?.identity,
    ready: async (app) => apps.get(identityKey(app))?.opening,
  };
}
