import { coordination, state } from "#components/in-memory/manifest.ts";
import { open as openCoordination } from "#components/in-memory/coordination.ts";
import { receiveTurn } from "#core/blocks/actors/receive-turn.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import type { Platform } from "#core/ports/platform.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { connectionOf } from "#targets/node/channel/app-connection.ts";
import { linkTo } from "#targets/node/channel/link-to.ts";
import { lazyGrpcApi } from "#targets/node/grpc/lazy-api.ts";
import { serveHttp } from "#targets/node/listen/http-server.ts";
import { serveInternal } from "#targets/node/peers/internal-server.ts";
import { createPeers } from "#targets/node/peers/peers.ts";
import { nodePlatform } from "#targets/node/platform.ts";
import { fastClock, type FastClock } from "./fast-clock.ts";
import { keptLog } from "./kept-log.ts";
import { nodeApp } from "./node-runtime.ts";

/** The ports that an app's APIs listen on. */
export interface ServedApp {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Nothing calls the app any more. */
  stop(): Promise<void>;
}
export interface CoordinatedNode extends AsyncDisposable {
  readonly clock: FastClock;
  /** `apart`: in a runtime of its own, which the others reach as another process. */
  serve(
    appId: string,
    app?: { readonly port: number; readonly protocol: "http" | "grpc" },
    options?: { readonly apart?: boolean },
  ): Promise<ServedApp>;
}
export interface CoordinatedNodeOptions {
  /** So many times as fast as time passes. */
  readonly speed?: number;
  readonly jobs?: boolean;
  readonly actors?: boolean;
  /** Of each app, as YAML. Only in-memory state stores are there. */
  readonly resources?: string;
}

/** Runtimes of Node with owners and due times in memory, over real sockets. */
export function coordinatedNode(options: CoordinatedNodeOptions = {}): CoordinatedNode {
  const { speed = 1, jobs = true, actors = true, resources: text = "" } = options;
  const undo = new AsyncDisposableStack();
  const clock = undo.use(fastClock(speed));
  const { documents } = parseDocuments(text, "resources.yaml");
  const shared = openCoordination(clock);
  const manifests: readonly Manifest[] = [{ ...coordination, open: async () => shared }, state];
  const platform = { ...nodePlatform(keptLog(), {}), clock };
  const first = runtimeOn(platform, manifests, undo);
  return {
    clock,
    serve: async (appId, app, { apart = false } = {}) => {
      const { runtime, grpc } = apart ? runtimeOn(platform, manifests, undo) : first;
      const reach = nodeApp({
        appId,
        ...(app ? { appPort: app.port, appProtocol: app.protocol } : {}),
      });
      const { channel, pool } = await linkTo(reach, undefined);
      undo.defer(() => channel?.[Symbol.asyncDispose]?.());
      undo.defer(() => pool?.[Symbol.asyncDispose]());
      const internal = undo.use(
        await serveInternal({
          identity: undefined,
          address: "127.0.0.1",
          port: 0,
          find: (to) => runtime.find(to),
          onTurn: (...turn) => receiveTurn(runtime.services, ...turn),
          onGrpc: grpc.deliver,
        }),
      );
      const hosted: AppInstance = undo.use(
        await runtime.addApp({
          appId,
          namespace: "",
          channel,
          connection: connectionOf(reach),
          resources: documents.filter(({ kind }) => kind !== "Configuration"),
          configuration: mergeConfigurations(
            documents.filter((document) => document.kind === "Configuration"),
          ),
          apiTokens: [],
          limits: { maxBodyBytes: reach.maxBodyBytes },
          bindingProbeMs: 1000,
          coordination: {
            actors,
            jobs,
            address: `127.0.0.1:${internal.port}`,
            group: "default",
            driver: { type: "coordination.in-memory", metadata: {} },
          },
          shutdown: () => void hosted[Symbol.asyncDispose](),
        }),
      );
      const where = { port: 0, addresses: ["127.0.0.1"] };
      const { port: grpcPort } = undo.use(await grpc.serve(hosted.app, where));
      const { fetch } = runtime;
      const { log } = platform;
      const http = { who: hosted.app, fetch, maxHeaderBytes: reach.readBufferBytes, log };
      const { port: httpPort } = undo.use(await serveHttp({ ...http, ...where }));
      await hosted.start();
      return { httpPort, grpcPort, stop: () => hosted.stop() };
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

function runtimeOn(
  alone: Platform,
  manifests: readonly Manifest[],
  undo: AsyncDisposableStack,
): { readonly runtime: Runtime; readonly grpc: ReturnType<typeof lazyGrpcApi> } {
  const peers = undo.use(createPeers(createRegistry(manifests, "node"), alone, alone.host.address));
  const platform = { ...alone, peers };
  const runtime = undo.use(createRuntime({ platform, target: "node", manifests }));
  const grpc = lazyGrpcApi({
    runtime,
    log: platform.log,
    remote: () => Promise.reject(new Error("no other process here")),
  });
  return { runtime, grpc };
}
