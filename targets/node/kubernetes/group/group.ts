import { calleeAppId, callerAppId } from "#core/util/identity-headers.ts";
import { manifests } from "#components/_registry/node.gen.ts";
import { createBadTokens } from "#core/identity/bad-tokens.ts";
import type { TokenVerifier } from "#core/identity/token-check.ts";
import type { AppRef, Log, Platform } from "#core/ports/platform.ts";
import { defaultTrustDomain } from "#core/identity/workload.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import { createRuntime } from "#core/hosting/runtime.ts";
import { clock } from "../../clock.ts";
import { endsWithin } from "../../drain.ts";
import { createGrpcApi } from "../../grpc/api.ts";
import type { ProxyRoutes } from "../../grpc/proxy.ts";
import { createHttpEndpoint } from "../../http-endpoint.ts";
import { mtlsSettings } from "../../mtls/settings.ts";
import { serveInternal } from "../../peers/internal-server.ts";
import { calleeHeaders } from "../../peers/peer-channel.ts";
import { createPeers } from "../../peers/peers.ts";
import { nodePlatform } from "../../platform.ts";
import { restWhenIdle } from "../../rest.ts";
import { createHolds } from "../holds.ts";
import type { GroupOptions, PodRecord, ToGroup } from "../messages.ts";
import { createCallers, type TokenReader } from "./callers.ts";
import { createConnections } from "./connections.ts";
import { createGroupDocuments } from "./group-documents.ts";
import { createGroupMetrics } from "./group-metrics.ts";
import { documentEnv } from "./document-env.ts";
import { maxHeaderBytes } from "./header-limit.ts";
import { createNodeNames } from "./node-names.ts";
import { createPodHost } from "./pod-host.ts";
import { readsSecrets } from "./secrets.ts";
import { createTokenReader } from "./service-account-tokens.ts";
import type { SupervisorLink } from "./supervisor-link.ts";
import { createWorkloadCertificates, type WorkloadCertificates } from "./workload-certificates.ts";

/** Of a message of a stream, whatever its app allows for others. */
const maxStreamMessageBytes = 64 * 1024 * 1024;

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
  const peers = createPeers(createRegistry(all, "node"), alone, alone.host.address, (app) =>
    certificates?.of(app),
  );
  // Behind a Service every process has all apps.
  const isElsewhere = async (app: AppRef): Promise<boolean> =>
    options.nodeName !== "" && names.isElsewhere(app, options.hostIps);
  const platform: Platform = certificates
    ? {
        ...alone,
        peers: {
          isElsewhere,
          find: async (to, call, from) => {
            const channel = await peers.find(to, call, from);
            return (
              channel && {
                send: async (request, options) => {
                  await proven(certificates, from);
                  return channel.send(request, options);
                },
              }
            );
          },
        },
      }
    : alone;
  // The first resolver that is known counts for all calls.
  await peers.announce({ appId: "", namespace: "", port: 0 }, names.use);
  const runtime = createRuntime({ platform, target: "node", manifests: all });
  const ending = new AbortController();
  const remote: ProxyRoutes["remote"] = async (to, from) => {
    if (!certificates) throw new Error("no host found with the given ID");
    await proven(certificates, from);
    return {
      ...(await peers.connect(to, { signal: ending.signal }, from)),
      headers: {
        ...calleeHeaders(to),
        [callerAppId]: from.appId,
        [calleeAppId]: to.appId,
      },
    };
  };
  const grpc = createGrpcApi({ runtime, log, remote, ...(certificates ? { isElsewhere } : {}) });
  const readToken = createTokenReader(link, {
    audience: options.tokenAudience,
    nodeName: options.nodeName,
    clock,
    log,
  });
  const holds = createHolds();
  const callers = createCallers({
    clock,
    holds,
    ...(called ? { called } : {}),
    badTokens: createBadTokens(clock),
    hostIps: options.hostIps,
    checkSourceIp: options.checkSourceIp,
    readToken,
    came: (uid, address, port) => connections.claim(uid, address, port),
  });
  const http = createHttpEndpoint({
    who: callers.find,
    fetch: runtime.fetch,
    h2c: true,
    maxHeaderBytes,
  });
  const grpcEndpoint = grpc.open(callers.find, maxStreamMessageBytes);
  const internal =
    certificates &&
    (await serveInternal({
      identityFor: certificates.named,
      find: runtime.find,
      onGrpc: grpc.deliver,
    }));
  const connections = createConnections({
    http: (socket) => http.accept(socket),
    grpc: (socket) => grpcEndpoint.accept(socket),
    internal: internal && ((socket) => internal.accept(socket)),
  });
  const documents = createGroupDocuments(log);
  const metrics = createGroupMetrics(log);
  const host = createPodHost({
    runtime,
    grpc,
    callers,
    documents,
    metrics,
    certificates,
    log,
    readToken: secrets.token,
    verifierFor: (pod) => verifierFor(pod, readToken),
    disconnect: (pod) => {
      connections.end(pod.uid, pod.ips, (ip) => pod.hostNetwork || callers.hasPodAt(ip));
    },
    tell: link.tell,
  });
  const stopRest = restWhenIdle(clock);
  const drained = Promise.withResolvers<void>();

  async function drain(idleMs: number): Promise<void> {
    ending.abort(new Error("The runtime is stopping"));
    http.drain(idleMs);
    await Promise.allSettled([
      host.stopCalling(),
      grpcEndpoint.drain(),
      internal?.drain(),
      connections.idle(),
    ]);
    drained.resolve();
  }
  const onMessage = (
    message: ToGroup,
    socket: Parameters<typeof connections.take>[1] | undefined,
  ) => {
    switch (message.type) {
      case "pod":
        return host.put(message.pod);
      case "pod-gone":
        return host.remove(message.uid);
      case "documents":
        link.tell({
          type: "unread",
          namespace: message.namespace,
          documents: documents.put(message.namespace, message.objects),
        });
        return void host.follow(message.namespace);
      case "current":
        callers.isCurrent = message.isCurrent;
        return;
      case "connection":
        // It may have ended on its way here.
        if (socket)
          connections.take(
            message.port,
            socket,
            message.head === undefined ? undefined : Buffer.from(message.head, "base64"),
          );
        return;
      case "addresses":
        return names.put(message, message.hosts);
      case "forgotten":
        return names.forget(message);
      case "read-metrics":
        return link.tell({
          type: "metrics",
          id: message.id,
          text: metrics.text() + holds.text({ group: options.group }),
        });
      case "ping":
        return link.tell({ type: "pong" });
      case "drain":
        return void drain(message.idleMs);
      case "start":
      case "answer":
        return;
    }
  };
  link.onMessage(onMessage);
  link.tell({ type: "started" });
  await Promise.race([drained.promise, link.gone]);
  stopRest();
  // What is left has had its time.
  await endsWithin(host.close(), closeMs, clock);
  http[Symbol.dispose]();
  await internal?.[Symbol.asyncDispose]();
  await grpcEndpoint.close();
  link.tell({ type: "drained" });
}
const tokenIs = "kubernetes";
const closeMs = 5000;
const certificateMs = 5000;

/** Nothing goes to another node in the name of an app that cannot prove itself. */
async function proven(certificates: WorkloadCertificates, from: AppRef): Promise<void> {
  if (certificates.of(from)) return;
  await endsWithin(certificates.ready(from), certificateMs, clock);
  if (!certificates.of(from)) throw new Error(`app ${from.appId} has no certificate yet`);
}

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

/** The core asks once more whose token it is; the answer is known by then. */
function verifierFor({ uid, namespace, settings }: PodRecord, read: TokenReader): TokenVerifier {
  return async (token) => {
    const found = await read(token).catch(() => undefined);
    return found?.podUid === uid
      ? { appId: settings.appId, namespace, trustDomain: defaultTrustDomain }
      : undefined;
  };
}
