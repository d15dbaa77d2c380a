import { noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { getHealth, getOutboundHealth, readShutdown, shutdown } from "./operations.ts";

export function healthHttp(routes: HttpRoutes): void {
  routes.on(
    ["GET"],
    "/v1.0/healthz",
    getHealth,
    (input) => ({ appId: input.query("appid") }),
    () => noContent,
  );
  routes.on(
    ["GET"],
    "/v1.0/healthz/outbound",
    getOutboundHealth,
    () => undefined,
    () => noContent,
  );
  routes.on(["POST"], "/v1.0/shutdown", shutdown, readShutdown, () => noContent);
}
