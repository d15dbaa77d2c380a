import { holdsToken } from "#core/identity/token-check.ts";
import { joinedHeader } from "#core/util/header-list.ts";
import type { Caller } from "./input.ts";
import { cleanPath, splitTarget } from "./path.ts";

export const tokenHeader = "dapr-api-token";
const open: ReadonlySet<string> = new Set(["/v1.0/healthz", "/v1.0/healthz/outbound"]);
const refusal = { status: 401, headers: { "content-type": "text/plain; charset=utf-8" } };

const tooMany = {
  status: 429,
  headers: { "content-type": "text/plain; charset=utf-8", "retry-after": "1" },
};

/** The 401 for a request without a valid API token; the exact health routes need none (CVE-2023-37918: not "contains"). */
export function refuseToken(
  request: Request,
  caller: Caller,
  target: string,
): Response | undefined | Promise<Response | undefined> {
  if (isHealthRoute(request.method, target)) return undefined;
  const { rawHeaders } = caller;
  const given = rawHeaders
    ? joinedHeader(rawHeaders, tokenHeader)
    : (request.headers.get(tokenHeader) ?? undefined);
  const holds = given !== undefined && holdsToken(caller.app, given);
  if (typeof holds === "boolean") return holds ? undefined : refused(caller);
  return holds.then((really) => (really ? undefined : refused(caller)));
}

/** The routes that ask for no token. `target`: as it stood on the wire. */
export function isHealthRoute(method: string, target: string): boolean {
  return method === "GET" && open.has(cleanPath(splitTarget(target).path));
}

function refused({ app, remoteAddress }: Caller): Response {
  return app.badTokens?.isTooMany(remoteAddress)
    ? new Response("too many invalid api tokens", tooMany)
    : new Response("invalid api token", refusal);
}
