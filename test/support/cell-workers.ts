import { env, exports } from "cloudflare:workers";
import type { Cell } from "./cells.ts";
import type { SeenRequest } from "./recording-app.ts";

type Fetches = { fetch(url: string, init?: RequestInit): Promise<Response> };

/** Inside workerd: the Worker of wrangler.toml, its bindings, and the recording app as a Worker beside it. */
export async function openCell(): Promise<Cell> {
  const worker = (exports as unknown as { readonly default: Fetches }).default;
  const app = (env as unknown as { readonly APP: Fetches }).APP;
  return {
    fetch: (path, init) =>
      worker.fetch(`https://outrigger.test${path}`, { redirect: "manual", ...init }),
    appSaw: async (path) => {
      const seen = (await (await app.fetch("https://app/__saw")).json()) as readonly SeenRequest[];
      return seen.filter((request) => request.path === path);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
