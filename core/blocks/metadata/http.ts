import { messageOf } from "#core/errors/component-error.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { json, noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { metadataError } from "./errors.ts";
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
    async (input) => ({ key: input.param("key"), value: await readValue(input) }),
    () => noContent,
  );
}

async function readValue(input: HttpInput): Promise<string> {
  try {
    return await input.text();
  } catch (reason) {
    throw metadataError("ERR_BODY_READ", `failed to read body: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
}
