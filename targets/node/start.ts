import { serveHttp, type HttpServer } from "./http-server.ts";
import type { NodeAppOptions, NodeOptions, NodeRuntime, StartNode } from "./options.ts";
import { httpChannel } from "./app-channel.ts";
import { clock } from "./clock.ts";
import { nodePlatform } from "./platform.ts";
import { parse, readConfiguration, readResources } from "./resources.ts";
import { waitForPort } from "./wait-for-port.ts";
import { manifests } from "#components/_registry/node.gen.ts";
import { hashToken } from "#core/http/token.ts";
import type { HostedApp } from "#core/hosted-app.ts";
import type { AppChannel } from "#core/ports/platform.ts";
import { createRuntime, type Runtime } from "#core/runtime.ts";

/** One app as this process serves it. */
interface Served {
  readonly options: NodeAppOptions;
  readonly hosted: HostedApp;
  readonly server: HttpServer;
  /** The public port, where one is asked for. */
  readonly publicServer: HttpServer | undefined;
  readonly channel: (AppChannel & AsyncDisposable) | undefined;
}

export const startNode: StartNode = async (options) => {
  const platform = nodePlatform(options.log, options.env, globalThis.fetch);
  const runtime = createRuntime({ platform, target: "node", manifests });
  const ending = new AbortController();
  const served: Served[] = [];
  try {
    // Side by side: one app whose store is slow to open must not hold up the others' ports.
    const results = await Promise.allSettled(
      options.apps.map((app) => serveApp(runtime, app, options)),
    );
    for (const result of results) if (result.status === "fulfilled") served.push(result.value);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } catch (reason) {
    await closeAll(runtime, served);
    throw reason;
  }
  const ready = Promise.all(served.map((app) => startApp(app, ending.signal))).then(() => {});
  // Ending before everything was ready is no failure of its own.
  ready.catch(() => {});
  let stopping: Promise<void> | undefined;
  return {
    apps: new Map(
      served.map(({ options: app, server }) => [
        app.appId,
        { httpPort: server.port, grpcPort: app.grpcPort },
      ]),
    ),
    ready,
    stop: () => (stopping ??= stop(runtime, served, ending)),
  } satisfies NodeRuntime;
};

async function serveApp(
  runtime: Runtime,
  app: NodeAppOptions,
  options: NodeOptions,
): Promise<Served> {
  const { log, env } = options;
  const configuration = await readConfiguration(app.configPaths, env, log);
  const resources = [
    ...(await readResources(app.resourcesPaths, log)),
    ...(app.inlineResources ?? []).flatMap(({ name, text }) => parse(text, name, log)),
  ];
  const channel = channelOf(app);
  let hosted: HostedApp | undefined;
  let server: HttpServer | undefined;
  try {
    hosted = await runtime.addApp({
      appId: app.appId,
      namespace: app.namespace,
      ...(channel ? { channel, connection: connectionOf(app) } : {}),
      resources,
      configuration,
      apiTokens: await Promise.all(app.apiTokens.map(hashToken)),
      ...(app.appToken === undefined ? {} : { appToken: app.appToken }),
      limits: { maxBodyBytes: app.maxBodyBytes },
      extended: app.extended,
      waitFor: [],
      failOnComponentError: options.failOnComponentError,
      bindingProbeMs: app.bindingProbeMs,
      disableInitEndpoints: app.disableInitEndpoints,
      shutdown: (force) => options.shutdown(app.appId, force),
    });
    const common = { app: hosted.app, fetch: runtime.fetch, maxHeaderBytes: app.readBufferBytes };
    server = await serveHttp({ ...common, port: app.httpPort, addresses: app.listenAddresses });
    const publicServer =
      app.publicPort === undefined
        ? undefined
        : await serveHttp({
            ...common,
            port: app.publicPort,
            addresses: app.publicListenAddresses,
            isPublic: true,
          });
    return { options: app, hosted, server, publicServer, channel };
  } catch (reason) {
    await server?.[Symbol.asyncDispose]();
    await hosted?.[Symbol.asyncDispose]();
    await channel?.[Symbol.asyncDispose]();
    throw portError(reason, app);
  }
}

function channelOf(app: NodeAppOptions): (AppChannel & AsyncDisposable) | undefined {
  if (app.appPort === undefined) return undefined;
  if (app.appProtocol !== "http" && app.appProtocol !== "https")
    throw new Error(
      `Cannot reach app "${app.appId}" by "${app.appProtocol}": this version speaks http and https to apps`,
    );
  return httpChannel({
    host: app.appChannelAddress,
    port: app.appPort,
    tls: app.appProtocol === "https",
    maxConcurrency: app.appMaxConcurrency,
  });
}

function connectionOf(app: NodeAppOptions) {
  return {
    port: app.appPort as number,
    protocol: app.appProtocol,
    channelAddress: app.appChannelAddress,
    ...(app.appMaxConcurrency > 0 ? { maxConcurrency: app.appMaxConcurrency } : {}),
  };
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
  runtime: Runtime,
  served: readonly Served[],
  ending: AbortController,
): Promise<void> {
  ending.abort(new Error("The runtime is stopping"));
  await Promise.all(served.map((app) => drain(app)));
  await closeAll(runtime, served);
}

async function drain({ options: app, hosted, server, publicServer }: Served): Promise<void> {
  const never = new AbortController().signal;
  if (app.blockShutdownMs > 0) {
    await inTime(hosted.stop(), app.blockShutdownMs);
    await clock.sleep(app.blockShutdownMs, { signal: never });
  }
  server.drain();
  publicServer?.drain();
  await inTime(Promise.all([hosted.stop(), server.idle()]), app.gracefulShutdownMs);
}

async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  const done = new AbortController();
  await Promise.race([
    work.catch(() => {}),
    clock.sleep(ms, { signal: done.signal }).catch(() => {}),
  ]);
  done.abort();
}

async function closeAll(runtime: Runtime, served: readonly Served[]): Promise<void> {
  const servers = served.flatMap(({ server, publicServer }) => [server, publicServer]);
  await Promise.allSettled(servers.map((server) => server?.[Symbol.asyncDispose]()));
  await runtime[Symbol.asyncDispose]();
  await Promise.allSettled(served.map(({ channel }) => channel?.[Symbol.asyncDispose]()));
}
