import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAzureFunctions } from "../../scripts/build.ts";
import { type FunctionsDouble, loadFunctionApp } from "#test/doubles/functions-core.ts";
import { type AppServer, appServer } from "./app-server.ts";
import { type Cell, type CellOptions, cellOverHttp } from "./cells.ts";
import type { Fetch } from "./api/http-wire.ts";
import { inMemoryResources } from "./in-memory-resources.ts";
import { suiteConfiguration, suiteResources, suiteSettings } from "./suite-resources.ts";
import { suiteRedis } from "./suite-redis.ts";

export async function openCell(options: CellOptions): Promise<Cell> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await suiteRedis(options.redis));
  const app = opened.use(await appServer());
  const functions = opened.use(
    await loadFunctions(app, {
      OUTRIGGER_CONFIG: suiteConfiguration,
      OUTRIGGER_RESOURCES_2: suiteResources(app.url),
      OUTRIGGER_RESOURCES_3: redis.resources,
      ...suiteSettings,
      ...options.settings,
    }),
  );
  // An instance starts with its first request; what is published before its subscriptions run is lost.
  await functions.fetch("/v1.0/healthz");
  const cell = {
    ...cellOverHttp(functions.fetch, app.saw),
    askApp: app.ask,
    fireAlarm: () => functions.host.timer("cron-alarm"),
    setConfiguration: redis.set,
    lacks: redis.lacks,
  };
  const closing = opened.move();
  return { ...cell, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** A loaded function app, without what only the API suite needs. */
export interface Functions extends AsyncDisposable {
  readonly host: FunctionsDouble;
  readonly fetch: Fetch;
  readonly appSaw: Cell["appSaw"];
}

/** The built function app with its real library, driven by a double of the Functions worker. */
export async function openFunctions(
  env: Readonly<Record<string, string>> = {},
): Promise<Functions> {
  await using opened = new AsyncDisposableStack();
  const app = opened.use(await appServer());
  const functions = opened.use(await loadFunctions(app, env));
  const closing = opened.move();
  return { ...functions, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

async function loadFunctions(
  app: AppServer,
  env: Readonly<Record<string, string>>,
): Promise<Functions> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "outrigger-functions-"));
  opened.defer(() => rm(folder, { recursive: true }));
  const settings = {
    OUTRIGGER_APP_ID: "orders",
    OUTRIGGER_ALLOW_ANONYMOUS: "true",
    OUTRIGGER_RESOURCES: inMemoryResources,
    APP_URL: app.url,
    ...env,
  };
  const { file } = await buildAzureFunctions(folder);
  opened.defer(() => {
    for (const name of Object.keys(settings)) delete process.env[name];
  });
  Object.assign(process.env, settings);
  const host = opened.use(loadFunctionApp(file));
  const closing = opened.move();
  return {
    host,
    fetch: (path, init) => host.http(path, init),
    appSaw: app.saw,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
