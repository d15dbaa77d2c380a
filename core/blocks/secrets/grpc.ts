import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { getBulkSecret, getSecret } from "./operations.ts";

export function secretsGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "GetSecret",
    getSecret,
    ({ storeName, key }) => ({ store: storeName, key }),
    (secret) => ({ data: { ...secret } }),
  );
  routes.unary(
    "GetBulkSecret",
    getBulkSecret,
    ({ storeName }) => ({ store: storeName }),
    (secrets) => ({
      data: Object.fromEntries(
        Object.entries(secrets).map(([name, values]) => [name, { secrets: { ...values } }]),
      ),
    }),
  );
}
