import { json, noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { getMetadata, setMetadata } from "./operations.ts";

export function metadataHttp(routes: HttpRoutes): void {
  routes.on(
    ["GET"],
    "/v1.0/metadata",
    getMetadata,
    () => undefined,
    (view) => json(view),
  );
  routes.on(
    ["PUT"],
    "/v1.0/metadata/:key",
    setMetadata,
    async (input) => ({ key: input.param("key"), value: await input.text() }),
    () => noContent,
  );
}
