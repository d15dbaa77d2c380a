import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { TokenVerifier } from "#core/identity/token-check.ts";
import type { AppChannel, AppRef } from "#core/ports/platform.ts";
import type { Runtime } from "#core/hosting/runtime.ts";
import type { LazyGrpcApi } from "./grpc/lazy-api.ts";
import type { HotReload } from "./documents/hot-reload.ts";
import type { HttpServer } from "./listen/http-server.ts";
import type { Http2Pool } from "./channel/http2-pool.ts";
import type { Measured, NodeMetrics } from "./metrics/metrics.ts";
import type { WorkloadIdentity } from "./mtls/workload-identity.ts";
import type { NodeAppOptions } from "./options.ts";
import type { Peers } from "./peers/peers.ts";
import type { ProfileServers } from "./metrics/profiling.ts";
import type { PortServer } from "./listen/serve-port.ts";

/** One app as this process serves it. */
export interface AppServer {
  readonly options: NodeAppOptions;
  readonly hosted: AppInstance;
  readonly reloads: HotReload;
  readonly server: HttpServer;
  /** The public port, where one is asked for. */
  readonly publicServer: HttpServer | undefined;
  readonly channel: (AppChannel & Partial<AsyncDisposable>) | undefined;
  readonly grpcServer: PortServer;
  /** To the app's own gRPC server, where it is one. */
  readonly pool: Http2Pool | undefined;
  /** For other runtime processes. */
  readonly internal: PortServer;
  readonly measured: Measured | undefined;
}

/** What all apps of a process use. */
export interface ProcessServices {
  readonly runtime: Runtime;
  readonly grpc: LazyGrpcApi;
  readonly peers: Peers;
  readonly metrics: NodeMetrics;
  readonly profiles: ProfileServers;
  readonly verifyToken: TokenVerifier | undefined;
  /** Of the apps that have certificates, by namespace and id. */
  readonly identities: Map<string, WorkloadIdentity>;
}

export function identityKey({ namespace, appId }: AppRef): string {
  return JSON.stringify([namespace, appId]);
}
