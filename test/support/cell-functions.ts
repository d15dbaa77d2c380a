import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAzureFunctions } from "../../scripts/build.ts";
import { type FunctionsDouble, loadFunctionApp } from "#test/doubles/functions-core.ts";
import { appServer } from "./app-server.ts";
import type { Cell } from "./cells.ts";
import { inMemoryResources } from "./in-memory-resources.ts";

export function openCell(): Promise<Cell> {
  return openFunctions();
}

/** The built function app with its real library, driven by a double of the Functions worker. */
export async function openFunctions(
  env: Readonly<Record<string, string>> = {},
): Promise<Cell & { readonly host: FunctionsDouble }> {
  const app = await appServer();
  const folder = await mkdtemp(join(tmpdir(), "outrigger-functions-"));
  const settings = {
    OUTRIGGER_APP_ID: "orders",
    OUTRIGGER_ALLOW_ANONYMOUS: "true",
    OUTRIGGER_RESOURCES: inMemoryResources,
    APP_URL: `http://127.0.0.1:${app.port}`,
    ...env,
  };
  const close = async (): Promise<void> => {
    for (const name of Object.keys(settings)) delete process.env[name];
    await app[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  try {
    const { file } = await buildAzureFunctions(folder);
    Object.assign(process.env, settings);
    const host = loadFunctionApp(file);
    return {
      host,
      fetch: (path, init) => host.http(path, init),
      appSaw: (path) => app.saw(path),
      [Symbol.asyncDispose]: async () => {
        host[Symbol.dispose]();
        await close();
      },
    };
  } catch (reason) {
    await close();
    throw reason;
  }
}
