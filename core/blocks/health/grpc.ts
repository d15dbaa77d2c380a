import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { readShutdown, shutdown } from "./operations.ts";

/** `Shutdown` is the only one of these that gRPC has. */
export function healthGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "Shutdown",
    shutdown,
    (_, input) => readShutdown(input),
    () => ({}),
  );
}
