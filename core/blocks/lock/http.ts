import { jsonText } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { tryLock, unlock, unlockStatus } from "./operations.ts";
import { readRequest } from "./read-request.ts";

export function lockHttp(routes: HttpRoutes): void {
  routes.on(["POST"], "/v1.0-alpha1/lock/:store", tryLock, readRequest, (success) =>
    jsonText(JSON.stringify({ success })),
  );
  routes.on(["POST"], "/v1.0-alpha1/unlock/:store", unlock, readRequest, (result) =>
    jsonText(JSON.stringify({ status: unlockStatus[result] })),
  );
}
