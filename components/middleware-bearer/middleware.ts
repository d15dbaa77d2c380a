import { optionsOf } from "#components/_shared/options.ts";
import { headerOf } from "#core/util/header-list.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { discoverKeys } from "#core/identity/discover-keys.ts";
import { createVerify } from "#core/identity/jwks.ts";
import { middleware } from "./manifest.ts";

const prefix = "bearer ";
/** Dapr does not look at shorter texts. */
const shortestToken = 10;

export async function open(spec: ComponentSpec, host: Host): Promise<HttpMiddleware> {
  const given = optionsOf(spec, middleware.options);
  const issuer = given.text("issuer") ?? given.text("issuerURL");
  if (issuer === undefined) throw new Error("metadata property 'issuer' is required");
  const audience = given.text("audience") ?? given.text("clientID");
  if (audience === undefined) throw new Error("metadata property 'audience' is required");
  const jwksUrl = given.text("jwksURL") ?? (await discoverKeys(issuer, host));
  if (!URL.canParse(jwksUrl)) throw new Error("jwksURL must be an absolute address");
  const verify = await createVerify(jwksUrl, { issuer, audience }, host);
  return {
    handle: async (request, next) => {
      const value = headerOf(request.headers, "authorization") ?? "";
      const token = value.slice(prefix.length);
      const holds =
        value.slice(0, prefix.length).toLowerCase() === prefix &&
        token.length >= shortestToken &&
        (await verify(token)) !== undefined;
      return holds ? next(request) : textResponse(401);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
