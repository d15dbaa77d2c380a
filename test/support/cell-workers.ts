import { createExecutionContext, createScheduledController, env } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { createWorker } from "#targets/workers/worker.ts";
import { type Cell, type CellOptions, cellOverHttp } from "./cells.ts";
import type { Fetch } from "./api/http-wire.ts";
import type { SeenRequest } from "./recording-app.ts";

type Fetches = { fetch(url: string, init?: RequestInit): Promise<Response> };

/** Inside workerd: the Worker of wrangler.toml, its bindings, and the recording app as a Worker beside it. */
export async function openCell({ settings }: CellOptions): Promise<Cell> {
  const app = (env as unknown as { readonly APP: Fetches }).APP;
  const askApp = (path: string): Promise<Response> => app.fetch(`https://app${path}`);
  const appSaw: Cell["appSaw"] = async (path) => {
    const seen = (await (await askApp("/__saw")).json()) as readonly SeenRequest[];
    return seen.filter((request) => request.path === path);
  };
  return {
    ...cellOverHttp(settings ? withSettings(settings) : theWorker, appSaw),
    askApp,
    fireAlarm: async () => {
      const controller = createScheduledController({ cron: "@every 1s" });
      await createWorker().scheduled(controller, env, createExecutionContext());
    },
    setConfiguration: async () => {
      throw new Error("A Worker has no configuration store");
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const theWorker: Fetch = (path, init) => {
  const worker = (exports as unknown as { readonly default: Fetches }).default;
  return worker.fetch(`https://outrigger.test${path}`, { redirect: "manual", ...init });
};

/** The same Worker with other settings: those of the running one belong to the whole project. */
function withSettings(settings: Readonly<Record<string, string>>): Fetch {
  const worker = createWorker();
  const all = { ...env, ...settings };
  return async (path, init) => {
    const request = new Request(`https://outrigger.test${path}`, init);
    const { byteLength } = await request.clone().arrayBuffer();
    // A request from outside states its length; one that is made here does not.
    if (byteLength > 0) request.headers.set("content-length", String(byteLength));
    return worker.fetch(request, all, createExecutionContext());
  };
}
