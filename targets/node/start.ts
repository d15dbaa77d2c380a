import { createGrpcApi, type GrpcApi } from "./grpc/api.ts";
import { rpcChannel } from "./grpc/rpc-channel.ts";
import type { GrpcServer } from "./grpc/server.ts";
import { h2cChannel } from "./h2c-channel.ts";
import { serveHttp, type HttpServer } from "./http-server.ts";
import { createHttp2Pool, type Http2Pool } from "./http2-pool.ts";
import type { NodeAppOptions, NodeOptions, NodeRuntime, StartNode } from "./options.ts";
import { httpChannel } from "./app-channel.ts";
import { connectionOf } from "./app-connection.ts";
import { clock } from "./clock.ts";
import { block, drain, type Drainable, endsWithin } from "./drain.ts";
import { type InternalServer, serveInternal } from "./peers/internal-server.ts";
import { calleeHeaders } from "./peers/peer-channel.ts";
import { createPeers, type Peers } from "./peers/peers.ts";
import { nodePlatform } from "./platform.ts";
import { withPluggable } from "./pluggable/discover.ts";
import { parse, readConfiguration, readResources } from "./resources.ts";
import { prepareSocket } from "./unix-socket.ts";
import { waitForPort } from "./wait-for-port.ts";
import { manifests } from "#components/_registry/node.gen.ts";
import { grpcAppChannel } from "#core/grpc/app-channel/channel.ts";
import { hashToken } from "#core/http/token.ts";
import type { HostedApp } from "#core/hosted-app.ts";
import type { AppChannel, Log } from "#core/ports/platform.ts";
import { createRegistry } from "#core/registry.ts";
import type { NameResolution } from "#core/resources/configuration.ts";
import { createRuntime, type Runtime } from "#core/runtime.ts";
import { isTruthy } from "#core/util/truthy.ts";

/** One app as this process serves it. */
interface Served {
  readonly options: NodeAppOptions;
  readonly hosted: HostedApp;
  readonly server: HttpServer;
  /** The public port, where one is asked for. */
  readonly publicServer: HttpServer | undefined;
  readonly channel: (AppChannel & Partial<AsyncDisposable>) | undefined;
  readonly grpcServer: GrpcServer;
  /** To the app's own gRPC server, where it is one. */
  readonly pool: Http2Pool | undefined;
  /** For other runtime processes. */
  readonly internal: InternalServer;
}

export const startNode: StartNode = async (options) => {
  const ending = new AbortController();
  const alone = nodePlatform(options.log, options.env, globalThis.fetch);
  const peers = createPeers(createRegistry(manifests, "node"), alone, alone.host.address);
  const platform = { ...alone, peers };
  const runtime = createRuntime({
    platform,
    target: "node",
    manifests: await withPluggable(manifests, platform),
  });
  const grpc = createGrpcApi(runtime, options.log, async (to, from) => ({
    ...(await peers.connect(to, { signal: ending.signal })),
    headers: {
      ...calleeHeaders(to),
      "dapr-caller-app-id": from.appId,
      "dapr-callee-app-id": to.appId,
    },
  }));
  const served: Served[] = [];
  try {
    // Side by side: one app whose store is slow to open must not hold up the others' ports.
    const results = await Promise.allSettled(
      options.apps.map((app) => serveApp({ runtime, grpc, peers }, app, options)),
    );
    for (const result of results) if (result.status === "fulfilled") served.push(result.value);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } catch (reason) {
    await closeAll(runtime, served, peers);
    throw reason;
  }
  const ready = Promise.all(served.map((app) => startApp(app, ending.signal))).then(() => {});
  // Ending before everything was ready is no failure of its own.
  ready.catch(() => {});
  let stopping: Promise<void> | undefined;
  return {
    apps: new Map(
      served.map(({ options: app, server, grpcServer, internal }) => [
        app.appId,
        { httpPort: server.port, grpcPort: grpcServer.port, internalPort: internal.port },
      ]),
    ),
    ready,
    stop: () => (stopping ??= stop({ runtime, grpc, peers }, served, ending, options.log)),
  } satisfies NodeRuntime;
};

interface Shared {
  readonly runtime: Runtime;
  readonly grpc: GrpcApi;
  readonly peers: Peers;
}

async function serveApp(
  { runtime, grpc, peers }: Shared,
  app: NodeAppOptions,
  options: NodeOptions,
): Promise<Served> {
  const { log, env } = options;
  const configuration = await readConfiguration(app.configPaths, env, log);
  const resources = [
    ...(await readResources(app.resourcesPaths, log)),
    ...(app.inlineResources ?? []).flatMap(({ name, text }) => parse(text, name, log)),
  ];
  const pool = poolOf(app);
  const channel = channelOf(app, pool);
  let hosted: HostedApp | undefined;
  let server: HttpServer | undefined;
  let grpcServer: GrpcServer | undefined;
  let internal: InternalServer | undefined;
  try {
    // Before components start: tools that wait for the port would wait for the slowest of them.
    internal = await serveInternal({
      port: app.internalPort ?? 0,
      address: app.internalAddress ?? "",
      find: runtime.find,
      onGrpc: grpc.deliver,
    });
    hosted = await runtime.addApp({
      appId: app.appId,
      namespace: app.namespace,
      ...(channel ? { channel, connection: connectionOf(app) } : {}),
      ...(app.appHealth ? { healthProbe: app.appHealth } : {}),
      resources,
      configuration,
      apiTokens: await Promise.all(app.apiTokens.map(hashToken)),
      ...(app.appToken === undefined ? {} : { appToken: app.appToken }),
      ...(app.allowedOrigins === undefined ? {} : { allowedOrigins: app.allowedOrigins }),
      limits: { maxBodyBytes: app.maxBodyBytes },
      extended: app.extended,
      waitFor: [],
      failOnComponentError: options.failOnComponentError,
      bindingProbeMs: app.bindingProbeMs,
      disableInitEndpoints: app.disableInitEndpoints,
      shutdown: (force) => options.shutdown(app.appId, force),
    });
    if (pool) grpc.route(hosted.app, pool);
    await peers.announce(
      { appId: app.appId, namespace: app.namespace, port: internal.port },
      configuration.nameResolution ?? defaultNames(app),
    );
    // Before HTTP: whoever sees `healthz` answer may call over gRPC at once.
    grpcServer = await grpc.serve(hosted.app, {
      port: app.grpcPort,
      addresses: app.listenAddresses,
      ...(await socketOf(app, "grpc")),
    });
    const common = {
      app: hosted.app,
      fetch: runtime.fetch,
      maxHeaderBytes: app.readBufferBytes,
      log,
    };
    server = await serveHttp({
      ...common,
      port: app.httpPort,
      addresses: app.listenAddresses,
      ...(await socketOf(app, "http")),
      h2c: !isTruthy(env["DAPR_HTTP_DISABLE_H2C"] ?? ""),
    });
    const publicServer =
      app.publicPort === undefined
        ? undefined
        : await serveHttp({
            ...common,
            port: app.publicPort,
            addresses: app.publicListenAddresses,
            isPublic: true,
          });
    return { options: app, hosted, server, publicServer, channel, grpcServer, pool, internal };
  } catch (reason) {
    await internal?.[Symbol.asyncDispose]();
    await grpcServer?.[Symbol.asyncDispose]();
    await pool?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await hosted?.[Symbol.asyncDispose]();
    await channel?.[Symbol.asyncDispose]?.();
    throw portError(reason, app);
  }
}

async function socketOf(
  { appId, unixSocketFolder: folder }: NodeAppOptions,
  api: "http" | "grpc",
): Promise<{ readonly socketPath?: string }> {
  return folder === undefined ? {} : { socketPath: await prepareSocket(folder, appId, api) };
}

function defaultNames({ nameResolution }: NodeAppOptions): NameResolution | undefined {
  return nameResolution === undefined
    ? undefined
    : { component: nameResolution, version: "v1", options: {} };
}

function channelOf(
  app: NodeAppOptions,
  pool: Http2Pool | undefined,
): (AppChannel & Partial<AsyncDisposable>) | undefined {
  if (app.appPort === undefined) return undefined;
  const limits = { maxBodyBytes: app.maxBodyBytes };
  if (pool)
    return grpcAppChannel(
      rpcChannel(pool, {
        maxMessageBytes: app.maxBodyBytes,
        maxConcurrency: app.appMaxConcurrency,
      }),
      limits,
    );
  if (app.appProtocol === "h2c")
    return h2cChannel({
      host: app.appChannelAddress,
      port: app.appPort,
      maxConcurrency: app.appMaxConcurrency,
    });
  return httpChannel({
    host: app.appChannelAddress,
    port: app.appPort,
    tls: app.appProtocol === "https",
    maxConcurrency: app.appMaxConcurrency,
  });
}

/** The way of calls that are passed on as they are. */
function poolOf(app: NodeAppOptions): Http2Pool | undefined {
  if (app.appPort === undefined || (app.appProtocol !== "grpc" && app.appProtocol !== "grpcs"))
    return undefined;
  const host = app.appChannelAddress.includes(":")
    ? `[${app.appChannelAddress}]`
    : app.appChannelAddress;
  return createHttp2Pool(
    app.appProtocol === "grpc"
      ? { authority: `http://${host}:${app.appPort}` }
      : { authority: `https://${host}:${app.appPort}`, tls: { rejectUnauthorized: false } },
  );
}

function portError(reason: unknown, app: NodeAppOptions): unknown {
  if (!(reason instanceof Error) || !("code" in reason) || reason.code !== "EADDRINUSE")
    return reason;
  return new Error(
    `Cannot listen for app "${app.appId}" (${reason.message}): the port is already in use; choose another with --dapr-http-port or --dapr-public-port`,
    { cause: reason },
  );
}

async function startApp({ options: app, hosted }: Served, signal: AbortSignal): Promise<void> {
  if (app.appPort !== undefined)
    await waitForPort(app.appChannelAddress, app.appPort, clock, { signal });
  await hosted.start();
}

/** Dapr's order: what calls the app ends first, then the API, then the components. */
async function stop(
  { runtime, peers }: Shared,
  served: readonly Served[],
  ending: AbortController,
  log: Log,
): Promise<void> {
  ending.abort(new Error("The runtime is stopping"));
  const apps = served.map(drainable);
  await Promise.all(apps.map((app) => block(app, { clock, log })));
  const graceMs = longestGrace(served);
  const began = clock.now();
  const drained = await endsWithin(Promise.all(apps.map(drain)), graceMs, clock);
  const leftMs = graceMs <= 0 ? 0 : Math.max(closingMs, began + graceMs - clock.now());
  const closed = await endsWithin(closeAll(runtime, served, peers), leftMs, clock);
  if (!drained || !closed)
    throw new Error(
      `Not everything ended within the graceful time of ${graceMs / 1000} s; what was still in flight has been cut off`,
    );
}
/** Closing gets this even where requests took all of the graceful time. */
const closingMs = 1000;

function drainable(app: Served): Drainable {
  const { options, hosted, server, publicServer, grpcServer, internal } = app;
  const drainHttp = (of: HttpServer) => (): Promise<void> => {
    of.drain();
    return of.idle();
  };
  const http = [server, publicServer].flatMap((of) => (of ? [drainHttp(of)] : []));
  return {
    appId: options.appId,
    blockShutdownMs: options.blockShutdownMs,
    hosted,
    servers: [...http, () => grpcServer.drain(), () => internal.drain()],
  };
}
/** 0 where some app has no limit. */
function longestGrace(served: readonly Served[]): number {
  const times = served.map(({ options }) => options.gracefulShutdownMs);
  return times.some((ms) => ms <= 0) ? 0 : Math.max(0, ...times);
}

async function closeAll(runtime: Runtime, served: readonly Served[], peers: Peers): Promise<void> {
  const servers = served.flatMap(({ server, publicServer }) => [server, publicServer]);
  await Promise.allSettled(servers.map((server) => server?.[Symbol.asyncDispose]()));
  await Promise.allSettled(
    served.flatMap(({ grpcServer, internal }) => [
      grpcServer[Symbol.asyncDispose](),
      internal[Symbol.asyncDispose](),
    ]),
  );
  await runtime[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
  await Promise.allSettled(
    served.flatMap(({ channel, pool }) => [
      channel?.[Symbol.asyncDispose]?.(),
      pool?.[Symbol.asyncDispose](),
    ]),
  );
}
