import { json, noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { getBulkSecret, getSecret } from "./operations.ts";

export function secretsHttp(routes: HttpRoutes): void {
  // Dapr: this comes first, so that a secret named "bulk" cannot be had by name.
  routes.on(
    ["GET"],
    "/v1.0/secrets/:store/bulk",
    getBulkSecret,
    (input) => ({ store: input.param("store") }),
    (secrets) => json(secrets),
  );
  routes.on(
    ["GET"],
    "/v1.0/secrets/:store/:key",
    getSecret,
    (input) => ({ store: input.param("store"), key: input.param("key") }),
    (secret) => (secret ? json(secret) : noContent),
  );
}
