import { appServer } from "./app-server.ts";
import type { Cell } from "./cells.ts";
import { nodeRuntime } from "./node-runtime.ts";

/** The Node target, listening on a port of its own. */
export async function openCell(): Promise<Cell> {
  const app = await appServer();
  const runtime = await nodeRuntime({ appPort: app.port });
  return {
    fetch: (path, init) =>
      fetch(`http://127.0.0.1:${runtime.httpPort}${path}`, { redirect: "manual", ...init }),
    appSaw: (path) => app.saw(path),
    [Symbol.asyncDispose]: async () => {
      await runtime.stop();
      await app[Symbol.asyncDispose]();
    },
  };
}
