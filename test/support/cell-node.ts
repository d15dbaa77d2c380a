import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokensOf } from "#core/identity/token-check.ts";
import { apiOverGrpc } from "./api/client.ts";
import { grpcWire } from "./api/grpc-wire.ts";
import type { Wire } from "./api/wire.ts";
import { type AppServer, appServer } from "./app-server.ts";
import { type Cell, type CellOptions, cellOverHttp } from "./cells.ts";
import { wireClient } from "./grpc-client.ts";
import { inMemoryResources } from "./in-memory-resources.ts";
import { type InProcess, nodeRuntime } from "./node-runtime.ts";
import { suiteConfiguration, suiteResources, suiteSettings } from "./suite-resources.ts";
import { suiteRedis } from "./suite-redis.ts";

/** The Node target, listening on ports of its own; the cell speaks to one of them. */
export async function openCell(wire: Wire, options: CellOptions): Promise<Cell> {
  await using opened = new AsyncDisposableStack();
  const app = opened.use(await appServer());
  const redis = opened.use(await suiteRedis(options.redis));
  const settings = { ...suiteSettings, ...options.settings };
  const folder = await mkdtemp(join(tmpdir(), "outrigger-cell-"));
  opened.defer(() => rm(folder, { recursive: true }));
  const configuration = join(folder, "configuration.yaml");
  await writeFile(configuration, suiteConfiguration);
  const texts = [inMemoryResources, suiteResources(app.url), redis.resources];
  const runtime = await nodeRuntime(
    {
      appPort: app.port,
      appToken: settings["APP_API_TOKEN"],
      apiTokens: tokensOf(settings["DAPR_API_TOKEN"] ?? ""),
      configPaths: [configuration],
      inlineResources: texts.map((text, i) => ({ name: `${i}.yaml`, text })),
    },
    settings,
  );
  opened.defer(() => runtime.stop());
  const cell = {
    ...(wire === "http" ? overHttp(runtime, app) : overGrpc(runtime, app, opened)),
    askApp: app.ask,
    // On Node the binding keeps its schedule itself.
    fireAlarm: async () => {},
    setConfiguration: redis.set,
    lacks: redis.lacks,
  };
  const closing = opened.move();
  return { ...cell, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

function overHttp({ httpPort }: InProcess, app: AppServer) {
  return cellOverHttp(
    (path, init) => fetch(`http://127.0.0.1:${httpPort}${path}`, { redirect: "manual", ...init }),
    app.saw,
  );
}

function overGrpc({ grpcPort }: InProcess, app: AppServer, opened: AsyncDisposableStack) {
  const client = opened.use(wireClient(grpcPort));
  const apiWith: Cell["apiWith"] = (headers) => apiOverGrpc(grpcWire(client, headers));
  return {
    api: apiWith({}),
    apiWith,
    grpc: () => client,
    fetch: () => {
      throw new Error("This cell speaks gRPC");
    },
    appSaw: app.saw,
  };
}
