import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { tryLock, unlock, unlockStatus } from "./operations.ts";

export function lockGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "TryLockAlpha1",
    tryLock,
    ({ storeName, resourceId, lockOwner, expiryInSeconds }) => ({
      store: storeName,
      resource: resourceId,
      owner: lockOwner,
      expirySeconds: expiryInSeconds,
    }),
    (success) => ({ success }),
  );
  routes.unary(
    "UnlockAlpha1",
    unlock,
    ({ storeName, resourceId, lockOwner }) => ({
      store: storeName,
      resource: resourceId,
      owner: lockOwner,
    }),
    (result) => ({ status: unlockStatus[result] }),
  );
}
