import { calleeAppId, callerAppId } from "#core/util/identity-headers.ts";
import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { lazyGrpcApi } from "./grpc/lazy-api.ts";
import { serveHttp } from "./listen/http-server.ts";
import type { NodeAppOptions, NodeOptions, NodeRuntime, StartEvent, StartNode } from "./options.ts";
import { startHotReload } from "./documents/hot-reload.ts";
import { setImmediate } from "node:timers/promises";
import { logOf } from "./log.ts";
import { connectionOf } from "./channel/app-connection.ts";
import { linkTo } from "./channel/link-to.ts";
import { clock } from "./clock.ts";
import { coordinationOf, logWhatIsOff } from "./coordination.ts";
import { receiveTurn } from "#core/blocks/actors/receive-turn.ts";
import { serveInternalPort } from "./peers/internal-port.ts";
import { calleeHeaders } from "./peers/peer-channel.ts";
import { createNodeMetrics } from "./metrics/metrics.ts";
import { createPeers } from "./peers/peers.ts";
import { nodePlatform } from "./platform.ts";
import { withPluggable } from "./pluggable/discover.ts";
import { serveProfiles } from "./metrics/profiling.ts";
import { readFiles } from "./documents/read-files.ts";
import { collectWhenIdle } from "./memory/idle-gc.ts";
import type { PortChoice } from "./listen/listening.ts";
import { addressOf } from "./listen/plain-address.ts";
import { orPortFault, type PortUse } from "./listen/port-in-use.ts";
import { prepareSocket } from "./listen/unix-socket.ts";
import { identityKey, type AppServer, type ProcessServices } from "./app-server.ts";
import { closeAll, stop } from "./stop.ts";
import { waitForPort } from "./channel/wait-for-port.ts";
import { manifests } from "#components/_registry/node.gen.ts";
import { createJwtVerifier, readJwtSettings } from "#core/identity/jwt.ts";
import { hashToken } from "#core/identity/token-check.ts";
import type { Documents } from "#core/hosting/reload/documents.ts";
import type { Resource } from "#core/resources/resource.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import { workloadOf } from "#core/access-control/check.ts";
import { defaultTrustDomain } from "#core/identity/workload.ts";
import { mtlsSettings } from "./mtls/settings.ts";
import type { WorkloadIdentity } from "./mtls/workload-identity.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import { createRuntime } from "#core/hosting/runtime.ts";
import { isTruthy } from "#core/util/truthy.ts";

export const startNode: StartNode = async (options) => {
  const ending = new AbortController();
  const alone = nodePlatform(options.log, options.env);
  const identities = new Map<string, WorkloadIdentity>();
  const peers = createPeers(createRegistry(manifests, "node"), alone, alone.host.address, (app) =>
    identities.get(identityKey(app)),
  );
  const platform = { ...alone, peers };
  const runtime = createRuntime({
    platform,
    target: "node",
    manifests: await withPluggable(manifests, platform),
  });
  const grpc = lazyGrpcApi({
    runtime,
    log: options.log,
    remote: async (to, from) => ({
      ...(await peers.connect(to, { signal: ending.signal }, from)),
      headers: {
        ...calleeHeaders(to),
        [callerAppId]: from.appId,
        [calleeAppId]: to.appId,
      },
    }),
  });
  const jwt = readJwtSettings(options.env);
  const verifyToken = jwt && createJwtVerifier(jwt, platform);
  const metrics = createNodeMetrics(options.log);
  const profiles = await serveProfiles(options.apps.flatMap(({ profilePort: port }) => port ?? []));
  const shared: ProcessServices = {
    runtime,
    grpc,
    peers,
    metrics,
    profiles,
    verifyToken,
    identities,
  };
  const served: AppServer[] = [];
  try {
    // Side by side: one app whose store is slow to open must not hold up the others' ports.
    const results = await Promise.allSettled(
      options.apps.map((app) => serveApp(shared, app, options)),
    );
    for (const result of results) if (result.status === "fulfilled") served.push(result.value);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } catch (reason) {
    await closeAll(shared, served);
    throw reason;
  }
  const ready = Promise.all(
    served.map((app) => startApp(app, ending.signal, options.heard ?? (() => {}))),
  ).then(() => {});
  // Ending before everything was ready is not a failure of its own.
  ready.catch(() => {});
  ending.signal.addEventListener("abort", collectWhenIdle(clock));
  let stopping: Promise<void> | undefined;
  return {
    apps: new Map(
      served.map(({ options: app, server, grpcServer, internal, measured }) => [
        app.appId,
        {
          httpPort: server.port,
          grpcPort: grpcServer.port,
          internalPort: internal.port,
          ...(measured ? { metricsPort: measured.port } : {}),
        },
      ]),
    ),
    ready,
    reload: async () => {
      await Promise.all(served.map(({ reloads }) => reloads.reload()));
    },
    stop: () => (stopping ??= stop(shared, served, ending, options.log)),
  } satisfies NodeRuntime;
};

async function serveApp(
  shared: ProcessServices,
  app: NodeAppOptions,
  options: NodeOptions,
): Promise<AppServer> {
  const { runtime, grpc, peers, metrics, verifyToken } = shared;
  const { env } = options;
  const log = logOf(options.log, app.appId);
  const { configuration, resources } = await (app.documents?.read() ?? readFiles(app, env, log));
  log.debug(`Read ${resources.map(nameOf).join(", ") || "no resources"}`, {
    folders: app.documents ? "the cluster" : app.resourcesPaths.join(", "),
    configurations: app.configPaths.join(", "),
  });
  const measured = await metrics.open(app, configuration.metrics);
  const undo = new AsyncDisposableStack();
  try {
    const { pool, channel } = await linkTo(app, measured?.metrics);
    undo.defer(() => channel?.[Symbol.asyncDispose]?.());
    undo.defer(() => pool?.[Symbol.asyncDispose]());
    const identity =
      app.mtls && (await identityOf(app.mtls, app, configuration, measured, env, log));
    if (identity) {
      undo.use(identity);
      shared.identities.set(identityKey(app), identity);
    }
    let hosted: AppInstance | undefined;
    // Before components start: tools that wait for the port would wait for the slowest of them.
    const internal = undo.use(
      await orPortFault(
        useOf(app, "internal port", "--dapr-internal-grpc-port", app.internalPort ?? 0),
        serveInternalPort(
          {
            identity,
            // The port is the app's: whoever found it by its id has come to it, whatever namespace is said.
            find: (to) => runtime.find(to) ?? (to.appId === app.appId ? hosted?.app : undefined),
            onGrpc: grpc.deliver,
            onTurn: (callee, headers, body, call) =>
              receiveTurn(runtime.services, callee, headers, body, call),
          },
          {
            port: app.internalPort ?? 0,
            addresses: app.internalAddress ? [app.internalAddress] : [],
            log,
          },
        ),
      ),
    );
    hosted = undo.use(
      await runtime.addApp({
        appId: app.appId,
        namespace: app.namespace,
        channel,
        connection: connectionOf(app),
        healthProbe: app.appHealth,
        resources,
        configuration,
        apiTokens: await Promise.all(app.apiTokens.map(hashToken)),
        verifyToken,
        appToken: app.appToken,
        metrics: measured?.metrics,
        apiLogging: app.apiLogging,
        allowedOrigins: app.allowedOrigins,
        limits: { maxBodyBytes: app.maxBodyBytes },
        extended: app.extended,
        failOnComponentError: options.failOnComponentError,
        bindingProbeMs: app.bindingProbeMs,
        disableInitEndpoints: app.disableInitEndpoints,
        shutdown: (force) => options.shutdown(app.appId, force),
        coordination:
          app.coordination &&
          coordinationOf(
            app.coordination,
            addressOf(peers.hostOf(app.internalAddress), internal.port),
            env,
          ),
      }),
    );
    logWhatIsOff(app.coordination ?? {}, log);
    if (pool) grpc.route(hosted.app, pool);
    const { appId, namespace, internalAddress: listensOn } = app;
    await peers.announce(
      { appId, namespace, port: internal.port, listensOn },
      configuration.nameResolution ?? app.nameResolution,
    );
    const apis = await serveApis(shared, app, hosted, env, log, undo);
    log.debug("The API answers", {
      httpPort: apis.server.port,
      grpcPort: apis.grpcServer.port,
      internalPort: internal.port,
      app: app.appPort === undefined ? "no port" : `${app.appProtocol} on port ${app.appPort}`,
    });
    const reloads = await startHotReload(app, hosted, configuration, env, log);
    return { options: app, hosted, reloads, channel, pool, internal, measured, ...apis };
  } catch (reason) {
    await undo.disposeAsync().catch(() => {});
    throw reason;
  }
}

/** Certificates by which other processes know the app. */
async function identityOf(
  mtls: NonNullable<NodeAppOptions["mtls"]>,
  { appId, namespace }: NodeAppOptions,
  { accessControl }: Documents["configuration"],
  measured: AppServer["measured"],
  env: NodeOptions["env"],
  log: NodeOptions["log"],
): Promise<WorkloadIdentity> {
  const { openIdentity } = await import("./mtls/workload-identity.ts");
  const trustDomain = accessControl?.trustDomain ?? defaultTrustDomain;
  const workload = workloadOf({ appId, namespace, trustDomain });
  return openIdentity(workload, mtlsSettings(mtls, env), log, () => measured?.metrics, clock);
}

/** gRPC before HTTP: whoever sees `healthz` answer may call over gRPC at once. */
async function serveApis(
  { runtime, grpc }: ProcessServices,
  app: NodeAppOptions,
  { app: who }: AppInstance,
  env: NodeOptions["env"],
  log: NodeOptions["log"],
  undo: AsyncDisposableStack,
): Promise<Pick<AppServer, "grpcServer" | "server" | "publicServer">> {
  const { grpcPort, httpPort, publicPort, listenAddresses: addresses } = app;
  const grpcServer = undo.use(
    await orPortFault(
      useOf(app, "gRPC API", "--dapr-grpc-port", grpcPort),
      grpc.serve(who, { port: grpcPort, addresses, ...(await socketOf(app, "grpc")) }),
    ),
  );
  const common = { who, fetch: runtime.fetch, maxHeaderBytes: app.readBufferBytes, log };
  const h2c = !isTruthy(env["DAPR_HTTP_DISABLE_H2C"] ?? "");
  const server = undo.use(
    await orPortFault(
      useOf(app, "HTTP API", "--dapr-http-port", httpPort),
      serveHttp({ ...common, port: httpPort, addresses, ...(await socketOf(app, "http")), h2c }),
    ),
  );
  if (publicPort === undefined) return { grpcServer, server, publicServer: undefined };
  const publicServer = undo.use(
    await orPortFault(
      useOf(app, "public port", "--dapr-public-port", publicPort),
      serveHttp({
        ...common,
        port: publicPort,
        addresses: app.publicListenAddresses,
        isPublic: true,
      }),
    ),
  );
  return { grpcServer, server, publicServer };
}

function useOf({ appId }: NodeAppOptions, what: string, flag: string, port: PortChoice): PortUse {
  return { appId, what, flag, port };
}

function nameOf({ kind, name }: Resource): string {
  return `${kind} ${name}`;
}

async function socketOf(
  { appId, unixSocketFolder: folder }: NodeAppOptions,
  api: "http" | "grpc",
): Promise<{ readonly socketPath?: string }> {
  return folder === undefined ? {} : { socketPath: await prepareSocket(folder, appId, api) };
}

async function startApp(
  { options: { appId, appPort: port, appChannelAddress }, hosted }: AppServer,
  signal: AbortSignal,
  heard: (event: StartEvent) => void,
): Promise<void> {
  // Whoever called `startNode` goes on first.
  await setImmediate();
  if (port !== undefined) {
    await waitForPort(appChannelAddress, port, clock, { signal }, (seconds) =>
      heard({ appId, kind: "waiting", port, seconds }),
    );
    heard({ appId, kind: "listening", port });
  }
  await hosted.start();
  const { loaded, failed } = hosted.app.components;
  const subscriptions = hosted.app.part(subscriptionViews).views;
  const names = failed.map(({ name }) => name);
  heard({ appId, kind: "ready", components: loaded, failed: names, subscriptions });
}
