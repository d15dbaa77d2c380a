import { manifests } from "#components/_registry/node.gen.ts";
import { createBadTokens } from "#core/identity/bad-tokens.ts";
import type { TokenVerifier } from "#core/identity/token-check.ts";
import type { Log, Platform } from "#core/ports/platform.ts";
import { defaultTrustDomain } from "#core/identity/workload.ts";
import type { CoordinationSettings } from "#core/hosting/coordination.ts";
import { createRuntime } from "#core/hosting/runtime.ts";
import { clock } from "#targets/node/clock.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { createGrpcApi } from "#targets/node/grpc/api.ts";
import { addressOf } from "#targets/node/listen/plain-address.ts";
import { mtlsSettings } from "#targets/node/mtls/settings.ts";
import { nodePlatform } from "#targets/node/platform.ts";
import { collectWhenIdle } from "#targets/node/memory/idle-gc.ts";
import { createWaitMetrics } from "../wait-metrics.ts";
import type { GroupOptions, PodRecord } from "../messages.ts";
import { createPodAuthentication, type TokenReader } from "./pod-authentication.ts";
import { createGroupEndpoints } from "./group-endpoints.ts";
import { createGroupDocuments } from "./group-documents.ts";
import { createGroupMetrics } from "./group-metrics.ts";
import { createGroupPeers } from "./group-peers.ts";
import { documentEnv } from "./document-env.ts";
import { createNodeNames } from "./node-names.ts";
import { handleSupervisorMessages } from "./supervisor-messages.ts";
import { createPodApps } from "./pod-apps.ts";
import { readsSecrets } from "./secrets.ts";
import { createTokenReader } from "./service-account-tokens.ts";
import type { SupervisorLink } from "./supervisor-link.ts";
import { createWorkloadCertificates } from "./workload-certificates.ts";

export interface GroupEnv {
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** An app has called. */
  readonly called?: () => void;
}

/** One group's runtime. Resolves when it has drained, or the supervisor is gone. */
export async function runGroup(
  link: SupervisorLink,
  options: GroupOptions,
  { log, env, called }: GroupEnv,
): Promise<void> {
  const names = createNodeNames(link, options.internalPort, clock);
  const secrets = readsSecrets(link);
  const alone: Platform = {
    ...nodePlatform(log, env),
    documentEnv: documentEnv(env),
    binding: (name) => (name === "kubernetes.secrets" ? secrets : undefined),
  };
  const certificates = options.mtls && certificatesOf(options.mtls, env, log);
  const all = [...manifests, names.manifest];
  const ending = new AbortController();
  const { channels, remote, isElsewhere } = await createGroupPeers(
    { names, certificates, alone, manifests: all, ending: ending.signal },
    options,
  );
  const platform: Platform = channels ? { ...alone, peers: channels } : alone;
  const runtime = createRuntime({ platform, target: "node", manifests: all });
  const grpc = createGrpcApi({ runtime, log, remote, ...(isElsewhere ? { isElsewhere } : {}) });

  const readToken = createTokenReader(link, {
    audience: options.tokenAudience,
    nodeName: options.nodeName,
    clock,
    log,
  });
  const waitMetrics = createWaitMetrics(clock);
  const podAuthentication = createPodAuthentication({
    clock,
    waitMetrics,
    ...(called ? { called } : {}),
    badTokens: createBadTokens(clock),
    hostIps: options.hostIps,
    checkSourceIp: options.checkSourceIp,
    readToken,
    came: (uid, address, port) => connections.claim(uid, address, port),
  });
  const endpoints = await createGroupEndpoints({
    runtime,
    grpc,
    who: podAuthentication.find,
    certificates,
  });
  const { connections } = endpoints;

  const documents = createGroupDocuments(log);
  const metrics = createGroupMetrics(log);
  const host = createPodApps({
    runtime,
    grpc,
    podAuthentication,
    documents,
    metrics,
    certificates,
    log,
    coordination: coordinationOf(options, alone),
    readToken: secrets.token,
    verifierFor: (pod) => verifierFor(pod, readToken),
    disconnect: (pod) => {
      connections.end(pod.uid, pod.ips, (ip) => pod.hostNetwork || podAuthentication.hasPodAt(ip));
    },
    tell: link.tell,
  });

  const stopRest = collectWhenIdle(clock);
  const drained = Promise.withResolvers<void>();
  async function drain(idleMs: number): Promise<void> {
    ending.abort(new Error("The runtime is stopping"));
    await Promise.allSettled([endpoints.drain(idleMs), host.stopCalling()]);
    drained.resolve();
  }
  link.onMessage(
    handleSupervisorMessages({
      link,
      host,
      documents,
      podAuthentication,
      connections,
      names,
      drain: (idleMs) => void drain(idleMs),
      metrics: () => metrics.text() + waitMetrics.text({ group: options.group }),
    }),
  );
  link.tell({ type: "started" });
  await Promise.race([drained.promise, link.gone]);
  stopRest();
  // What is left has had its time.
  await endsWithin(clock, closeMs, host.close());
  await endpoints.close();
  link.tell({ type: "drained" });
}
const tokenIs = "kubernetes";
const closeMs = 5000;

function certificatesOf(
  { sentryAddress, trustDomain, controlPlaneNamespace }: NonNullable<GroupOptions["mtls"]>,
  env: GroupEnv["env"],
  log: Log,
): ReturnType<typeof createWorkloadCertificates> {
  const settings = mtlsSettings(
    { sentryAddress, controlPlaneTrustDomain: trustDomain, controlPlaneNamespace },
    env,
  );
  // A pod's runtime proves itself by its service account, wherever the token is mounted.
  const proof = settings.tokenFile === undefined ? settings : ({ ...settings, tokenIs } as const);
  return createWorkloadCertificates(proof, defaultTrustDomain, log);
}

/** No file that is made when it is needed: each node would decide for itself. */
function coordinationOf(
  { coordination, internalPort }: GroupOptions,
  { host }: Pick<Platform, "host">,
): CoordinationSettings | undefined {
  if (!coordination) return undefined;
  const { host: given, ...settings } = coordination;
  const address = addressOf(given || host.address, internalPort);
  return { ...settings, actors: true, jobs: true, address };
}

/** The core asks once more whose token it is; the answer is known by then. */
function verifierFor({ uid, namespace, settings }: PodRecord, read: TokenReader): TokenVerifier {
  return async (token) => {
    const found = await read(token).catch(() => undefined);
    return found?.podUid === uid
      ? { appId: settings.appId, namespace, trustDomain: defaultTrustDomain }
      : undefined;
  };
}
