import { startNode } from "#targets/node/start.ts";
import { appServer } from "./app-server.ts";
import type { Cell } from "./cells.ts";
import { inMemoryResources } from "./in-memory-resources.ts";

/** The Node target, listening on a port of its own. */
export async function openCell(): Promise<Cell> {
  const app = await appServer();
  const silent = (): void => {};
  const runtime = await startNode({
    apps: [
      {
        appId: "orders",
        namespace: "",
        appPort: app.port,
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
      },
    ],
    log: { debug: silent, info: silent, warn: silent, error: silent },
    env: {},
    failOnComponentError: true,
    shutdown: silent,
  });
  await runtime.ready;
  const port = runtime.apps.get("orders")?.httpPort;
  return {
    fetch: (path, init) =>
      fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual", ...init }),
    appSaw: (path) => app.saw(path),
    [Symbol.asyncDispose]: async () => {
      await runtime.stop();
      await app[Symbol.asyncDispose]();
    },
  };
}
