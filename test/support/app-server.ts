import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { recordingApp, type SeenRequest } from "./recording-app.ts";

export interface AppServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Asks the app itself. */
  ask(path: string): Promise<Response>;
  saw(path: string): Promise<readonly SeenRequest[]>;
}

/** The recording app, listening. */
export async function appServer(): Promise<AppServer> {
  const app = recordingApp();
  const listener = getRequestListener(app, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ask = (path: string): Promise<Response> => app(new Request(`http://app${path}`));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    ask,
    saw: async (path) => {
      const seen = (await (await ask("/__saw")).json()) as readonly SeenRequest[];
      return seen.filter((request) => request.path === path);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
