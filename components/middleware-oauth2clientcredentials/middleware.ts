import { type AuthStyle, tokenClient } from "#components/_shared/oauth2-token.ts";
import { type Options, optionsOf } from "#components/_shared/options.ts";
import { pathFilter } from "#components/_shared/request-paths.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { isHeaderName } from "#core/util/header-value.ts";
import { withHeader } from "#core/util/header-list.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { cachedToken } from "./cached-token.ts";
import { middleware } from "./manifest.ts";

const authStyles: readonly AuthStyle[] = ["auto", "body", "basic"];

export function open(spec: ComponentSpec, host: Host): HttpMiddleware {
  const given = optionsOf(spec, middleware.options);
  const required = (name: string): string => {
    const value = given.text(name);
    if (value === undefined)
      throw new Error(`metadata errors: Parameter '${name}' needs to be set`);
    return value;
  };
  const headerName = required("headerName");
  if (!isHeaderName(headerName)) throw new Error("headerName must be the name of a header");
  const authStyle = authStyles[given.number("authStyle") ?? 0];
  if (authStyle === undefined)
    throw new Error(
      `metadata errors: Parameter 'authStyle' can only have the values 0,1,2. Received: '${given.text("authStyle")}'`,
    );
  const url = required("tokenURL");
  if (!URL.canParse(url)) throw new Error("tokenURL must be an absolute address");
  const endpoint = {
    url,
    clientId: required("clientID"),
    clientSecret: required("clientSecret"),
    authStyle,
  };
  const grant = grantOf(given, required("scopes"));
  const fetchToken = tokenClient(endpoint, host);
  const closed = new AbortController();
  const token = cachedToken(() => fetchToken(grant, { signal: closed.signal }), host.clock);
  const applies = pathFilter(given.text("pathFilter"));
  return {
    handle: async (request, next) => {
      if (!applies(request)) return next(request);
      let value: string;
      try {
        value = await token();
      } catch (reason) {
        host.log.error(`Cannot get an access token for ${spec.name}: ${messageOf(reason)}`);
        // Dapr answers 200 with nothing in it.
        return textResponse(500);
      }
      return next({ ...request, headers: withHeader(request.headers, headerName, value) });
    },
    [Symbol.asyncDispose]: async () => closed.abort(new Error("The component is closed")),
  };
}

function grantOf(given: Options, scopes: string): URLSearchParams {
  const grant = new URLSearchParams({
    grant_type: "client_credentials",
    scope: scopes.split(",").join(" "),
  });
  for (const [name, value] of new URLSearchParams(given.text("endpointParamsQuery") ?? "")) {
    if (name === "scope") throw new Error("endpointParamsQuery must not repeat scope; use scopes");
    if (name === "grant_type") grant.set(name, value);
    else grant.append(name, value);
  }
  return grant;
}
