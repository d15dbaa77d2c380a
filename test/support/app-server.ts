import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { recordingApp, type SeenRequest } from "./recording-app.ts";

export interface AppServer extends AsyncDisposable {
  readonly port: number;
  saw(path: string): Promise<readonly SeenRequest[]>;
}

/** The recording app, listening. */
export async function appServer(): Promise<AppServer> {
  const app = recordingApp();
  const listener = getRequestListener(app, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    saw: async (path) => {
      const seen = (await (
        await app(new Request("http://app/__saw"))
      ).json()) as readonly SeenRequest[];
      return seen.filter((request) => request.path === path);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
