import { type FetchToken, tokenClient } from "#components/_shared/oauth2-token.ts";
import { type Options, optionsOf } from "#components/_shared/options.ts";
import { pathFilter } from "#components/_shared/request-paths.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { isHeaderName } from "#core/util/header-value.ts";
import { splitTarget } from "#core/util/path.ts";
import { headerOf, withHeader } from "#core/util/header-list.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { HttpMiddleware, PipelineRequest } from "#core/ports/http-middleware.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { middleware } from "./manifest.ts";
import { createSeal } from "./seal.ts";
import { createSessions, type Session, sessionLifeMs, type Sessions } from "./session.ts";

interface Login {
  readonly given: Options;
  readonly sessions: Sessions;
  readonly fetchToken: FetchToken;
  readonly host: Host;
  readonly name: string;
}

export async function open(spec: ComponentSpec, host: Host): Promise<HttpMiddleware> {
  const given = optionsOf(spec, middleware.options);
  const required = (name: string): string => {
    const value = given.text(name);
    if (value === undefined) throw new Error(`metadata property '${name}' is required`);
    return value;
  };
  for (const name of ["authURL", "tokenURL"])
    if (!URL.canParse(required(name))) throw new Error(`${name} must be an absolute address`);
  const headerName = required("authHeaderName");
  if (!isHeaderName(headerName)) throw new Error("authHeaderName must be the name of a header");
  const clientId = required("clientID");
  const clientSecret = required("clientSecret");
  const url = required("tokenURL");
  const seal = await createSeal(clientSecret, `middleware.http.oauth2 ${spec.name} ${clientId}`);
  const login: Login = {
    given,
    sessions: createSessions(seal, host.clock, given.flag("forceHTTPS")),
    fetchToken: tokenClient({ url, clientId, clientSecret, authStyle: "auto" }, host),
    host,
    name: spec.name,
  };
  const applies = pathFilter(given.text("pathFilter"));
  return {
    handle: async (request, next, options) => {
      if (!applies(request)) return next(request);
      const session = await login.sessions.read(request.headers);
      if (session && "header" in session)
        return next({
          ...request,
          headers: withHeader(request.headers, headerName, session.header),
        });
      const query = new URLSearchParams(splitTarget(request.path).query);
      const state = query.get("state") ?? "";
      return state === ""
        ? sendToLogin(login, request)
        : comeBack(login, session, state, query.get("code") ?? "", options);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function sendToLogin(
  { given, sessions }: Login,
  request: PipelineRequest,
): Promise<PlainResponse> {
  const state = crypto.randomUUID();
  const cookie =
    (await sessions.write({ state, returnTo: returnAddress(given, request) }, sessionLifeMs)) ??
    (await sessions.write({ state, returnTo: "/" }, sessionLifeMs));
  const url = new URL(given.text("authURL") as string);
  const parameters = {
    access_type: "offline",
    client_id: given.text("clientID"),
    redirect_uri: given.text("redirectURL"),
    response_type: "code",
    scope: given.text("scopes")?.split(",").join(" "),
    state,
  };
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  return redirect(url.href, cookie as string);
}

async function comeBack(
  { given, sessions, fetchToken, host, name }: Login,
  session: Session | undefined,
  state: string,
  code: string,
  options: CallOptions,
): Promise<PlainResponse> {
  if (!session || "header" in session || session.state !== state)
    return textResponse(400, "invalid state");
  if (code === "") return textResponse(400, "code not found");
  const redirectUrl = given.text("redirectURL");
  try {
    const { header, expiresInSeconds } = await fetchToken(
      {
        grant_type: "authorization_code",
        code,
        ...(redirectUrl === undefined ? {} : { redirect_uri: redirectUrl }),
      },
      options,
    );
    // A session outlives its token nowhere: the next request goes to log in again.
    const lifeMs = Math.min(sessionLifeMs, (expiresInSeconds ?? Number.POSITIVE_INFINITY) * 1000);
    const cookie = await sessions.write({ header }, lifeMs);
    if (cookie === undefined) throw new Error("the access token is too long for a cookie");
    return redirect(session.returnTo, cookie);
  } catch (reason) {
    host.log.error(`Cannot exchange the code for a token (${name}): ${messageOf(reason)}`);
    return textResponse(500);
  }
}

/** Where the user wanted to go. Never another host: `//host` and `/\host` would be one. */
function returnAddress(given: Options, request: PipelineRequest): string {
  const path = request.path.replace(/^[/\\]+/, "/");
  const host = headerOf(request.headers, "host");
  return given.flag("forceHTTPS") && host !== undefined ? `https://${host}${path}` : path;
}

function redirect(location: string, cookie: string): PlainResponse {
  return { status: 302, headers: ["location", location, "set-cookie", cookie] };
}
