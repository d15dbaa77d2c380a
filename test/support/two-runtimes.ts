import type { NodeAppOptions } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { freePort } from "./free-port.ts";
import { nodeApp } from "./node-runtime.ts";

export interface RuntimeEnd {
  readonly httpPort: number;
  readonly grpcPort: number;
}
/** Two runtimes as two processes would have them: they know each other by name resolution only. */
export interface TwoRuntimes extends AsyncDisposable {
  /** Hosts app `shop`, which calls. */
  readonly caller: RuntimeEnd;
  /** Hosts app `cart`. */
  readonly callee: RuntimeEnd;
}

const silent = (): void => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

export async function twoRuntimes(
  callee: Partial<NodeAppOptions>,
  caller: Partial<NodeAppOptions> = {},
): Promise<TwoRuntimes> {
  const internalPort = await freePort();
  const start = async (app: NodeAppOptions) => {
    const runtime = await startNode({
      apps: [app],
      log,
      env: {},
      failOnComponentError: true,
      shutdown: silent,
    });
    await runtime.ready;
    const ports = runtime.apps.get(app.appId);
    return {
      httpPort: ports?.httpPort as number,
      grpcPort: ports?.grpcPort as number,
      stop: () => runtime.stop(),
    };
  };
  const hosts = { cart: `127.0.0.1:${internalPort}` };
  const nameResolution = {
    component: "static",
    version: "v1",
    options: { hosts: JSON.stringify(hosts) },
  };
  const near = await start(nodeApp({ appId: "shop", nameResolution, ...caller }));
  const far = await start(nodeApp({ appId: "cart", nameResolution, internalPort, ...callee }));
  return {
    caller: near,
    callee: far,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([near.stop(), far.stop()]);
    },
  };
}
