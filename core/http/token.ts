import type { Caller } from "./input.ts";
import { cleanPath, splitTarget } from "./path.ts";

export const tokenHeader = "dapr-api-token";
const open: ReadonlySet<string> = new Set(["/v1.0/healthz", "/v1.0/healthz/outbound"]);
const refusal = { status: 401, headers: { "content-type": "text/plain; charset=utf-8" } };

/** The 401 for a request without a valid API token; the exact health routes need none (CVE-2023-37918: not "contains"). */
export async function refuseToken(
  request: Request,
  caller: Caller,
  target: string,
): Promise<Response | undefined> {
  if (request.method === "GET" && open.has(cleanPath(splitTarget(target).path))) return undefined;
  const given = request.headers.get(tokenHeader);
  if (given !== null) {
    const digest = await hashToken(given);
    let match = false;
    for (const wanted of caller.app.apiTokens) match = digest === wanted || match;
    if (match) return undefined;
  }
  return new Response("invalid api token", refusal);
}

/** Tokens are kept and compared as SHA-256 texts, so that the comparison's time says nothing about the token. */
export async function hashToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
