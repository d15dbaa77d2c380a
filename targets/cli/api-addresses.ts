import type { BoundPorts, NodeAppOptions } from "#targets/node/options.ts";
import { socketPath } from "#targets/node/listen/unix-socket.ts";

/** Addresses at which an app on this machine reaches its APIs, as a user would write them. */
export interface ApiAddresses {
  /** `http://127.0.0.1:3500`, or `unix:` and the path of a socket. */
  readonly http: string;
  /** `127.0.0.1:50001`, or `unix:` and the path of a socket. */
  readonly grpc: string;
}
type Listens = Pick<NodeAppOptions, "appId" | "listenAddresses" | "unixSocketFolder">;

export function apiAddresses(app: Listens, ports: BoundPorts): ApiAddresses {
  const { appId, unixSocketFolder: folder } = app;
  if (folder !== undefined)
    return {
      http: `unix:${socketPath(folder, appId, "http")}`,
      grpc: `unix:${socketPath(folder, appId, "grpc")}`,
    };
  const host = dialAddress(app.listenAddresses);
  return { http: `http://${host}:${ports.httpPort}`, grpc: `${host}:${ports.grpcPort}` };
}

function dialAddress(listen: readonly string[]): string {
  const all = ["0.0.0.0", "::", "127.0.0.1", "localhost"];
  const [first] = listen;
  if (first === undefined || listen.some((address) => all.includes(address))) return "127.0.0.1";
  return first.includes(":") ? `[${first}]` : first;
}
