import type { BoundPorts, NodeAppOptions } from "#targets/node/options.ts";
import { apiAddresses } from "./api-addresses.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The environment of an app that `run` starts: the caller's, then the run file's, then the
 * variables that Dapr's own CLI sets.
 */
export function appEnv(app: NodeAppOptions, ports: BoundPorts, callers: Env, own: Env): Env {
  return {
    ...callers,
    ...own,
    APP_ID: app.appId,
    APP_PROTOCOL: app.appProtocol,
    ...(app.appPort === undefined ? {} : { APP_PORT: String(app.appPort) }),
    ...apiEnv(app, ports),
    ...(ports.metricsPort === undefined ? {} : { DAPR_METRICS_PORT: String(ports.metricsPort) }),
  };
}

/**
 * Dapr: with sockets there are no ports. Ports of an outer runtime must not be mistaken for those
 * of this one.
 */
function apiEnv(app: NodeAppOptions, ports: BoundPorts): Env {
  const { http, grpc } = apiAddresses(app, ports);
  if (app.unixSocketFolder !== undefined)
    return {
      DAPR_HTTP_PORT: undefined,
      DAPR_GRPC_PORT: undefined,
      DAPR_HTTP_ENDPOINT: undefined,
      DAPR_GRPC_ENDPOINT: grpc,
    };
  return {
    DAPR_HTTP_PORT: String(ports.httpPort),
    DAPR_GRPC_PORT: String(ports.grpcPort),
    DAPR_HTTP_ENDPOINT: http,
    DAPR_GRPC_ENDPOINT: `http://${grpc}`,
  };
}
