import type { BoundPorts, NodeAppOptions } from "../node/options.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The environment of an app that `run` starts: the caller's, the run file's, then what Dapr's own CLI tells an app. */
export function appEnv(app: NodeAppOptions, ports: BoundPorts, callers: Env, own: Env): Env {
  const host = dialAddress(app.listenAddresses);
  return {
    ...callers,
    ...own,
    APP_ID: app.appId,
    APP_PROTOCOL: app.appProtocol,
    ...(app.appPort === undefined ? {} : { APP_PORT: String(app.appPort) }),
    DAPR_HTTP_PORT: String(ports.httpPort),
    DAPR_GRPC_PORT: String(ports.grpcPort),
    DAPR_HTTP_ENDPOINT: `http://${host}:${ports.httpPort}`,
    DAPR_GRPC_ENDPOINT: `http://${host}:${ports.grpcPort}`,
    ...(ports.metricsPort === undefined ? {} : { DAPR_METRICS_PORT: String(ports.metricsPort) }),
  };
}

/** Where the app reaches the API from this machine. */
function dialAddress(listen: readonly string[]): string {
  const all = ["0.0.0.0", "::", "127.0.0.1", "localhost"];
  const [first] = listen;
  if (first === undefined || listen.some((address) => all.includes(address))) return "127.0.0.1";
  return first.includes(":") ? `[${first}]` : first;
}
