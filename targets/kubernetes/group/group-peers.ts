import type { Manifest } from "#core/ports/manifest.ts";
import type { AppRef, Log, PeerChannel, Platform } from "#core/ports/platform.ts";
import { PermanentError } from "#core/resiliency/failure.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import { calleeAppId, callerAppId } from "#core/util/identity-headers.ts";
import { clock } from "#targets/node/clock.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import type { ProxyRoutes } from "#targets/node/grpc/proxy.ts";
import { calleeHeaders } from "#targets/node/peers/peer-channel.ts";
import { createPeers, type Peers } from "#targets/node/peers/peers.ts";
import type { GroupOptions } from "../messages.ts";
import type { NodeNames } from "./node-names.ts";
import type { WorkloadCertificates } from "./workload-certificates.ts";

const certificateMs = 5000;

/** How the apps of a group reach those of other groups and nodes. */
export interface GroupPeers {
  /** Where apps have no certificates, they call nobody elsewhere. */
  readonly channels: Platform["peers"];
  readonly remote: ProxyRoutes["remote"];
  readonly isElsewhere: ((app: AppRef) => Promise<boolean>) | undefined;
}

/** `ending` ends the calls that are being connected. */
export async function createGroupPeers(
  {
    names,
    certificates,
    alone,
    manifests,
    ending,
  }: {
    readonly names: NodeNames;
    readonly certificates: WorkloadCertificates | undefined;
    readonly alone: Platform;
    readonly manifests: readonly Manifest[];
    readonly ending: AbortSignal;
  },
  { nodeName, hostIps }: Pick<GroupOptions, "nodeName" | "hostIps">,
): Promise<GroupPeers> {
  const registry = createRegistry(manifests, "node");
  const peers = createPeers(registry, alone, alone.host.address, (app) => certificates?.of(app));
  // The first resolver that is known counts for all calls.
  await peers.announce({ appId: "", namespace: "", port: 0 }, names.use);
  if (!certificates)
    return { channels: nobody(alone.log), remote: unreachable, isElsewhere: undefined };
  // Behind a Service every process has all apps.
  const isElsewhere = async (app: AppRef): Promise<boolean> =>
    nodeName !== "" && names.isElsewhere(app, hostIps);
  const find: Peers["find"] = async (to, call, from) => {
    const channel = await peers.find(to, call, from);
    return (
      channel && {
        send: async (request, options) => {
          await proven(certificates, from);
          return channel.send(request, options);
        },
      }
    );
  };
  return {
    isElsewhere,
    channels: {
      isElsewhere,
      find,
      at: (address, to, from) => {
        const channel = peers.at(address, to, from);
        return {
          send: async (request, options) => {
            await proven(certificates, from);
            return channel.send(request, options);
          },
        };
      },
    },
    remote: async (to, from) => {
      await proven(certificates, from);
      return {
        ...(await peers.connect(to, { signal: ending }, from)),
        headers: {
          ...calleeHeaders(to),
          [callerAppId]: from.appId,
          [calleeAppId]: to.appId,
        },
      };
    },
  };
}

/** Without certificates nobody else is found, and actors of other nodes and groups are out of reach. */
function nobody({ warn }: Pick<Log, "warn">): PeerChannel {
  const why =
    "actors of other nodes and groups cannot be called without a certificate authority; set --sentry-address, or mtls.enabled in the chart";
  let isSaid = false;
  const send = async (): Promise<never> => {
    if (!isSaid) warn(`An actor is hosted elsewhere: ${why}`);
    isSaid = true;
    throw new PermanentError(new Error(why));
  };
  return { find: async () => undefined, at: () => ({ send }) };
}

async function unreachable(): Promise<never> {
  throw new Error("no host found with the given ID");
}

/** Nothing goes to another node in the name of an app that cannot prove itself. */
async function proven(certificates: WorkloadCertificates, from: AppRef): Promise<void> {
  if (certificates.of(from)) return;
  await endsWithin(clock, certificateMs, certificates.ready(from));
  if (!certificates.of(from)) throw new Error(`app ${from.appId} has no certificate yet`);
}
