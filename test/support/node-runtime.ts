import type { NodeAppOptions } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { inMemoryResources } from "./in-memory-resources.ts";

export interface InProcess {
  readonly httpPort: number;
  readonly grpcPort: number;
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** An app of the in-memory components on free ports. */
export function nodeApp(app: Partial<NodeAppOptions> = {}): NodeAppOptions {
  return {
    appId: "orders",
    namespace: "",
    appProtocol: "http",
    appChannelAddress: "127.0.0.1",
    appMaxConcurrency: -1,
    httpPort: 0,
    grpcPort: 0,
    listenAddresses: ["127.0.0.1"],
    publicListenAddresses: [],
    metricsListenAddresses: [],
    resourcesPaths: [],
    configPaths: [],
    inlineResources: [{ name: "cell.yaml", text: inMemoryResources }],
    maxBodyBytes: 4 * 1024 * 1024,
    readBufferBytes: 4096,
    gracefulShutdownMs: 1000,
    blockShutdownMs: 0,
    bindingProbeMs: 5000,
    disableInitEndpoints: [],
    apiTokens: [],
    extended: {},
    ...app,
  };
}

/** The Node target inside the test's own process, with one app and free ports. */
export async function nodeRuntime(
  app: Partial<NodeAppOptions> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<InProcess> {
  const silent = (): void => {};
  const options = nodeApp(app);
  const runtime = await startNode({
    apps: [options],
    log: { debug: silent, info: silent, warn: silent, error: silent },
    env,
    failOnComponentError: true,
    shutdown: silent,
  });
  await runtime.ready;
  const ports = runtime.apps.get(options.appId);
  return {
    httpPort: ports?.httpPort as number,
    grpcPort: ports?.grpcPort as number,
    reload: () => runtime.reload(),
    stop: () => runtime.stop(),
  };
}
