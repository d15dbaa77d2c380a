import { receiveTurn } from "#core/blocks/actors/receive-turn.ts";
import type { Runtime } from "#core/hosting/runtime.ts";
import type { GrpcApi } from "#targets/node/grpc/api.ts";
import { createHttpEndpoint } from "#targets/node/listen/http-endpoint.ts";
import type { AppFinder } from "#targets/node/listen/app-finder.ts";
import { serveInternal } from "#targets/node/peers/internal-server.ts";
import { type Connections, createConnections } from "./connections.ts";
import { maxHeaderBytes } from "./header-limit.ts";
import type { WorkloadCertificates } from "./workload-certificates.ts";

export interface GroupEndpointsDeps {
  readonly runtime: Runtime;
  readonly grpc: GrpcApi;
  readonly who: AppFinder;
  /** Absent: no calls between nodes. */
  readonly certificates: WorkloadCertificates | undefined;
}
/** What serves the connections that the supervisor has accepted: HTTP, gRPC, calls of other nodes. */
export interface GroupEndpoints {
  readonly connections: Connections;
  /** Lets what is in flight end; connections that nobody uses stay open for so long. */
  drain(idleMs: number): Promise<void>;
  /** Ends what is left. */
  close(): Promise<void>;
}

/** Of a message of a stream, whatever its app allows for others. */
const maxStreamMessageBytes = 64 * 1024 * 1024;

export async function createGroupEndpoints({
  runtime,
  grpc,
  who,
  certificates,
}: GroupEndpointsDeps): Promise<GroupEndpoints> {
  const http = createHttpEndpoint({ who, fetch: runtime.fetch, h2c: true, maxHeaderBytes });
  const grpcEndpoint = grpc.open(who, maxStreamMessageBytes);
  const internal =
    certificates &&
    (await serveInternal({
      identityFor: certificates.named,
      find: runtime.find,
      onGrpc: grpc.deliver,
      onTurn: (callee, headers, body, call) =>
        receiveTurn(runtime.services, callee, headers, body, call),
    }));
  const connections = createConnections({
    http: (socket) => http.accept(socket),
    grpc: (socket) => grpcEndpoint.accept(socket),
    internal: internal && ((socket) => internal.accept(socket)),
  });
  return {
    connections,
    drain: async (idleMs) => {
      http.drain(idleMs);
      await Promise.allSettled([grpcEndpoint.drain(), internal?.drain(), connections.idle()]);
    },
    close: async () => {
      http[Symbol.dispose]();
      await internal?.[Symbol.asyncDispose]();
      await grpcEndpoint.close();
    },
  };
}
