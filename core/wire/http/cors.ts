import type { Origins } from "#core/access-control/origins.ts";

const methods: ReadonlySet<string> = new Set([
  "HEAD",
  "GET",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  // A plain OPTIONS is not a preflight, and always allowed.
  "OPTIONS",
]);

/** Answers a preflight by itself; any other request as `answer` does, with what a browser must see. */
export async function crossOrigin(
  origins: Origins,
  request: Request,
  answer: () => Response | Promise<Response>,
): Promise<Response> {
  const wanted = request.headers.get("access-control-request-method");
  if (request.method === "OPTIONS" && wanted !== null && wanted !== "")
    return preflight(origins, request, wanted);
  const response = await answer();
  response.headers.append("vary", "Origin");
  const origin = allowed(origins, request, request.method);
  if (origin !== undefined) response.headers.set("access-control-allow-origin", origin);
  return response;
}

function preflight(origins: Origins, request: Request, method: string): Response {
  const headers: Record<string, string> = {
    vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  };
  const origin = allowed(origins, request, method);
  if (origin !== undefined) {
    headers["access-control-allow-origin"] = origin;
    headers["access-control-allow-methods"] = method.toUpperCase();
    const names = headerNames(request.headers.get("access-control-request-headers") ?? "");
    if (names !== "") headers["access-control-allow-headers"] = names;
  }
  // Refused or not, the answer is 200: a browser goes by the headers.
  return new Response(null, { status: 200, headers });
}

/** What `access-control-allow-origin` says; `undefined` for an origin or method that may not. */
function allowed(origins: Origins, request: Request, method: string): string | undefined {
  const origin = request.headers.get("origin");
  if (origin === null || origin === "" || !methods.has(method.toUpperCase())) return undefined;
  if (origins.all) return "*";
  return origins.allows(origin) ? origin : undefined;
}

/** The names asked for, each in the usual spelling. */
function headerNames(list: string): string {
  return list
    .split(/[ ,]+/)
    .map((name) => name.replace(/[^\w.-]/g, ""))
    .filter((name) => name !== "")
    .map((name) => name.toLowerCase().replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase()))
    .join(", ");
}
